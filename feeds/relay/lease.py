"""One leader among any number of relays, by a lease in Redis that has to be renewed.

Each lease taken has a number of its own. Whatever a leader writes is written by a script that looks at it first: a
leader that was away so long that another one leads (a stopped process, a lost network) writes nothing any more.
"""

import secrets
from typing import Any

from pollweb.lib import redis

# KEYS: lease, counter. ARGV: the taker's name, milliseconds. The token that was set, or nothing.
TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local token = redis.call('INCR', KEYS[2]) .. '.' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
"""
RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
GIVE_BACK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class Fenced(Exception):
    """Another one leads."""


def key() -> str:
    return redis.key("feed", "relay", "lease")


class Lease:
    """`token` is `<number>.<name>` while this one leads. The name is for a Redis that was emptied and counts anew."""

    def __init__(self, seconds: float) -> None:
        self.token = ""
        self._name = secrets.token_hex(8)
        self._milliseconds = int(seconds * 1000)

    async def take(self) -> bool:
        client: Any = redis.client()
        counter = redis.key("feed", "relay", "fence")
        token = await client.eval(TAKE, 2, key(), counter, self._name, self._milliseconds)
        self.token = token.decode() if token else ""
        return bool(token)

    async def renew(self) -> None:
        client: Any = redis.client()
        if not await client.eval(RENEW, 1, key(), self.token, self._milliseconds):
            raise Fenced

    async def give_back(self) -> None:
        client: Any = redis.client()
        await client.eval(GIVE_BACK, 1, key(), self.token)
