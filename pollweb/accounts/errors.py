"""Who may not, and who must wait.

PollwebError
├── LineFull        429  more requests of this caller are waiting than may wait
├── TooManyWaiting  503  more connections wait in this process than it can hold
└── AmbiguousToken  400  two different tokens in one request
"""

from pollweb.lib.errors import BadRequest, PollwebError, Unavailable


class LineFull(PollwebError):
    code, status = "queue_full", 429


class TooManyWaiting(Unavailable):
    code = "too_many_waiting"


class AmbiguousToken(BadRequest):
    code = "ambiguous_token"
