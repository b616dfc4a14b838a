"""What can go wrong between a wish and its result.

PollwebError
├── InvalidRequest        400  the caller can mend it
│   ├── UnknownModel      404
│   ├── Unspeakable       422  no voice speaks this text
│   ├── UnreadableInput   400  a picture or sound that came along
│   └── ContentRefused    400
├── TierTooLow            402 (text) / 403 (image)
├── Conflict              409
├── ProviderError         502  the thing that makes results failed
│   ├── ProviderRefused   502  it does not take this installation's requests
│   ├── ProviderUnavailable 503
│   │   ├── ProviderBusy    503  it asks us to wait
│   │   └── EngineNotReady  503  its model file is not here yet
│   ├── ProviderTimeout   504
│   └── InvalidAnswer     502  JSON was asked for, and what came is none
├── StorageFull           507
├── QueueAway             503  nobody is there to do the work
├── Cancelled             499  everyone who waited has left
└── WorkerLost            500→502  five workers died over it
"""

from pollweb.lib.errors import BadRequest, PollwebError, Unavailable


class InvalidRequest(BadRequest):
    code, status = "invalid_request", 400


class InvalidParameter(InvalidRequest):
    code = "invalid_parameter"


class UnknownModel(InvalidRequest):
    code, status = "model_not_found", 404


class Unspeakable(InvalidRequest):
    code, status = "unspeakable", 422


class UnreadableInput(InvalidRequest):
    code = "input_not_readable"


class ContentRefused(InvalidRequest):
    code = "content_refused"


class Conflict(PollwebError):
    code, status = "conflict", 409


class TierTooLow(PollwebError):
    code, status = "tier_too_low", 403


class ProviderError(PollwebError):
    """Whoever makes results failed.

    `again` says whether the same source may be asked once more; another source may be asked after each of these.
    `unwell` says whether it speaks against the source's health.
    """

    code, status = "provider_failed", 502
    again = True
    unwell = True


class ProviderRefused(ProviderError):
    """A matter for the operator: a key, an address, a model's name, a balance."""

    code = "provider_refused"
    again = False


class ProviderUnavailable(ProviderError):
    code, status = "provider_unavailable", 503
    retry_after: float | None = 5


class ProviderDrained(ProviderUnavailable):
    """An operator has taken all that make this out of service."""

    code, retry_after = "provider_drained", 60
    unwell = False


class ProviderBusy(ProviderUnavailable):
    """`retry_after` is the provider's own word, None where it said nothing."""

    code, retry_after = "provider_busy", None


class EngineNotReady(ProviderUnavailable):
    code, retry_after = "engine_not_ready", 10
    again = False
    unwell = False


class ProviderTimeout(ProviderError):
    code, status = "deadline_exceeded", 504
    again = False


class InvalidAnswer(ProviderError):
    code = "invalid_json"
    again = False  # it was asked twice


class StorageFull(PollwebError):
    code, status = "storage_full", 507


class QueueAway(Unavailable):
    code = "worker_away"


class Cancelled(PollwebError):
    code, status = "cancelled", 499


class WorkerLost(ProviderError):
    code, status = "worker_lost", 502
    again = False
