"""After the secret key was changed: what lies sealed under a key of before is sealed again under the present one.

Each row is written only if it is still as it was read, so it may run beside everything else, and twice.
"""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken

from pollweb.accounts import webhooks
from pollweb.accounts.adapters import SECOND_FACTORS
from pollweb.accounts.models import Webhook
from pollweb.lib import sealing

BATCH = 500


def reseal() -> tuple[int, int]:
    """How many secrets are sealed anew, and how many no key opens; those stay as they are."""
    count = _Count()
    rows = Webhook.objects.order_by("pk").values_list("pk", "secret", "previous_secret")
    for pk, secret, previous in rows.iterator(chunk_size=BATCH):
        new = {
            "secret": count.again(secret, webhooks.PURPOSE),
            "previous_secret": count.again(previous, webhooks.PURPOSE) if previous else "",
        }
        Webhook.objects.filter(pk=pk, secret=secret, previous_secret=previous).update(**new)
    for factor in Authenticator.objects.order_by("pk").iterator(chunk_size=BATCH):
        before = dict(factor.data)
        after = _each_sealed(before, lambda text: count.again(text, SECOND_FACTORS))
        if after != before:
            Authenticator.objects.filter(pk=factor.pk, data=before).update(data=after)
    return count.done, count.closed


def _each_sealed(data: dict[str, Any], again: Callable[[str], str]) -> dict[str, Any]:
    """allauth seals the secret of an app, and the seed or the list of recovery codes."""
    new: dict[str, Any] = {name: again(data[name]) for name in ("secret", "seed") if isinstance(data.get(name), str)}
    if codes := data.get("migrated_codes"):
        new["migrated_codes"] = [again(code) for code in codes]
    return {**data, **new}


class _Count:
    def __init__(self) -> None:
        self.done = self.closed = 0

    def again(self, sealed: str, purpose: str) -> str:
        try:
            text = sealing.unseal(sealed, purpose)
        except InvalidToken:
            self.closed += 1
            return sealed
        self.done += 1
        return sealing.seal(text, purpose)
