"""Who may not, and who must wait.

PollwebError
├── LineFull            429  more requests of this caller are waiting than may wait
├── QuotaExceeded       429  the requests of this month are used up
├── BudgetExceeded      429  the money of this month does not reach
├── TooManyWaiting      503  more connections wait in this process than it can hold
├── AmbiguousToken      400  two different tokens in one request
├── InvalidReferrer     400  neither a domain nor an identifier that can be registered
├── NotIdentified       401  this needs to know who asks
│   ├── InvalidToken    401  of our form, but mistyped or invented
│   ├── TokenRevoked    401
│   └── TokenExpired    401
├── TooManyTries        429  too many credentials from one address were none
├── AddressNotAllowed   403  the token may not be used from here
├── ScopeMissing        403  the token may not do this
├── ModelNotAllowed     403  the token, or its team, may not use this model
└── NotPossible         409  a rule that holds for everybody would be broken
"""

from pollweb.lib.errors import BadRequest, PollwebError, Unavailable


class LineFull(PollwebError):
    code, status = "queue_full", 429


class QuotaExceeded(PollwebError):
    code, status = "quota_exceeded", 429


class BudgetExceeded(PollwebError):
    code, status = "budget_exceeded", 429


class TooManyWaiting(Unavailable):
    code = "too_many_waiting"


class AmbiguousToken(BadRequest):
    code = "ambiguous_token"


class InvalidReferrer(BadRequest):
    code = "invalid_referrer"


class NotIdentified(PollwebError):
    code, status = "not_identified", 401


class InvalidToken(NotIdentified):
    code = "invalid_token"


class TokenRevoked(NotIdentified):
    code = "token_revoked"


class TokenExpired(NotIdentified):
    code = "token_expired"


class TooManyTries(PollwebError):
    code, status = "too_many_tries", 429


class AddressNotAllowed(PollwebError):
    code, status = "address_not_allowed", 403


class ScopeMissing(PollwebError):
    code, status = "scope_missing", 403


class ModelNotAllowed(PollwebError):
    code, status = "model_not_allowed", 403


class NotPossible(PollwebError):
    """What was asked for would break a rule that holds for everybody, such as a team without an owner."""

    code, status = "not_possible", 409
