"""A Redis server that Sentinels watch over: they are asked who the master is, at each new connection.

`sentinel://user:password@one:26379,two:26379/mymaster?db=0&sentinel_password=…&ssl_ca_certs=/path`
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PORT = 26379
HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+))(?::([0-9]{1,5}))?")
MASTER_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
# Seconds for one Sentinel: the next is asked when it says nothing.
PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class Sentinels:
    hosts: tuple[tuple[str, int], ...]
    master: str
    options: dict[str, Any] = field(repr=False)  # of connections to the master
    own_options: dict[str, Any] = field(repr=False)  # of those to the Sentinels


@lru_cache(maxsize=8)
def parse(url: str) -> Sentinels:
    """ValueError, without the address in it, for one that is none."""
    parts = urlsplit(url)
    user, _, named = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    hosts = [HOST.fullmatch(word) for word in named.split(",")]
    query = dict(parse_qsl(parts.query))
    database, own_password = query.pop("db", "0"), query.pop("sentinel_password", "")
    master = unquote(parts.path.strip("/"))
    options: dict[str, Any] = {key: query.pop(key) for key in MASTER_OPTIONS if key in query}
    if parts.scheme != "sentinel" or not all(hosts) or not master or "/" in master or query or not database.isdigit():
        raise ValueError("no address of Sentinels")
    if options:
        options["ssl"] = True
    own_options: dict[str, Any] = {**options, "socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    if own_password:
        own_options["password"] = own_password
    options["db"] = int(database)
    if name:
        options["username"] = unquote(name)
    if password:
        options["password"] = unquote(password)
    addresses = tuple((host[1] or host[2], int(host[3] or PORT)) for host in hosts if host)
    return Sentinels(addresses, master, options, own_options)
