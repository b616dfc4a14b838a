"""Webhooks: a team's own addresses are told what happened, by the rules of https://www.standardwebhooks.com.

`tell` belongs into the transaction of what it tells: the row is there if and only if it happened. A team without a
webhook costs nothing there, since processes remember who has one. `send_due` sends what is due, in any process: a try
is claimed by one conditional UPDATE, and has the same `webhook-id` each time. A try that nobody ended is due again.
"""

import asyncio
import base64
import json
import logging
import random
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from standardwebhooks import Webhook as Signature

from pollweb.accounts import audit, mail
from pollweb.accounts.models import Team, Webhook, WebhookDelivery
from pollweb.accounts.tokens import Actor
from pollweb.lib import redis, sealing
from pollweb.lib.errors import BadRequest
from pollweb.lib.fetch import FetchFailed, FetchRefused, post, targets

log = logging.getLogger(__name__)

EVENTS: dict[str, Promise] = {
    "generation.done": gettext_lazy("a request has succeeded"),
    "generation.failed": gettext_lazy("a request has failed"),
    "token.expiring": gettext_lazy("a token expires: 14 days before, 3 days, on the day"),
    "limit.reached": gettext_lazy("a quota or budget of the month is used to 80 %, or used up"),
    "referrer.failing": gettext_lazy("the proof of a verified domain is no longer found"),
}
TEST = "webhook.test"
MOST_OF_A_TEAM = 10
STOPS_AFTER = 50
# Seconds before the next try: about a day and a half in all, as the standard proposes.
PAUSES = (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400)
MOST_ATTEMPTS = len(PAUSES) + 1
LEASE = timedelta(seconds=60)
SECONDS = 10.0
EXCERPT = 1000
KEPT = timedelta(days=14)
MOST_KEPT = 1000  # finished deliveries of a webhook
MOST_WAITING = 5000  # of a webhook; what comes on top is dropped, and is in the log of requests all the same
KNOWN_SECONDS = 5.0
BATCH = 40
OF_ONE = 10  # of a batch, so that one slow receiver does not hold up all others
RUN_SECONDS = 30.0
PURPOSE = "webhooks"


@dataclass(slots=True)
class Known:
    """What a process remembers of a webhook in force; `room` is how much may still wait for it."""

    id: int
    events: frozenset[str]
    room: int


_lock = threading.Lock()
_known: dict[int, list[Known]] = {}
_read_at = float("-inf")


def forget() -> None:
    """Look the webhooks up again at the next occasion."""
    global _read_at
    _read_at = float("-inf")


def _of_teams() -> dict[int, list[Known]]:
    """By team. Read every few seconds by whoever comes first, whatever the number of requests."""
    global _known, _read_at
    with _lock:
        if time.monotonic() - _read_at < KNOWN_SECONDS:
            return _known
        found: dict[int, list[Known]] = {}
        waiting = Count("deliveries", filter=Q(deliveries__state="waiting"))
        for pk, team_id, events, held in (
            Webhook.objects.in_force().annotate(held=waiting).values_list("pk", "team_id", "events", "held")
        ):
            found.setdefault(team_id, []).append(Known(pk, frozenset(events), MOST_WAITING - held))
        _known, _read_at = found, time.monotonic()
        return found


def wants(team_id: int | None, event: str) -> bool:
    """Whether anybody is to be told of this: cheap, so that nothing is put together for nobody."""
    return team_id is not None and any(event in each.events for each in _of_teams().get(team_id, ()))


def tell(team_id: int, event: str, data: dict[str, Any]) -> None:
    """Write down one message for each webhook of the team that wants it; sent once the transaction is committed."""
    tell_all([(team_id, event, data)])


def tell_all(messages: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
    """The same for many at once, in one statement. `data` holds what JSON can say, and no prompt and no answer."""
    known = _of_teams()
    rows = []
    for team_id, event, data in messages:
        for each in known.get(team_id, ()):
            if event in each.events and each.room > 0:
                each.room -= 1
                rows.append(WebhookDelivery(webhook_id=each.id, event=event, body=_body(event, data)))
    if rows:
        WebhookDelivery.objects.bulk_create(rows)


def _body(event: str, data: dict[str, Any]) -> str:
    said = {"type": event, "timestamp": timezone.now().isoformat(timespec="milliseconds"), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=str)


# What people do with them.


def check_address(url: str) -> str:
    """The address as it is kept. BadRequest unless it is https to the outside, or the operator's exception."""
    url = url.strip()
    target = targets.parse(url)
    if target.scheme != "https" and not target.is_allowed:
        raise BadRequest(_("A webhook's address begins with https://."))
    literal = targets.addresses.parse(target.host)
    if literal is not None and not target.is_allowed and not targets.addresses.is_public(literal):
        raise FetchRefused
    return url


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def create(team: Team, url: str, events: Sequence[str], *, by: Actor) -> tuple[Webhook, str]:
    """The webhook and its secret, which is told this once. BadRequest for an address or a number that cannot be."""
    url, secret = check_address(url), new_secret()
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        if team.webhooks.kept().count() >= MOST_OF_A_TEAM:
            raise BadRequest(_("A team has %(most)d webhooks at most. Remove one first.") % {"most": MOST_OF_A_TEAM})
        made = Webhook.objects.create(
            team=team, url=url, events=list(events), secret=sealing.seal(secret, PURPOSE), created_by=by.user
        )
        _record("webhook.created", made, by, events=", ".join(events))
    return made, secret


def change(webhook: Webhook, url: str, events: Sequence[str], *, by: Actor) -> None:
    webhook.url, webhook.events = check_address(url), list(events)
    with transaction.atomic():
        webhook.save(update_fields=["url", "events"])
        _record("webhook.changed", webhook, by, events=", ".join(events))


def rotate(webhook: Webhook, *, by: Actor) -> str:
    """A new secret. For a day messages are signed with both, so that none is refused meanwhile."""
    secret = new_secret()
    webhook.previous_secret, webhook.secret = webhook.secret, sealing.seal(secret, PURPOSE)
    webhook.rotated_at = timezone.now()
    with transaction.atomic():
        webhook.save(update_fields=["previous_secret", "secret", "rotated_at"])
        _record("webhook.rotated", webhook, by)
    return secret


def pause(webhook: Webhook, *, by: Actor) -> None:
    with transaction.atomic():
        webhook.stopped_at, webhook.stopped_reason = timezone.now(), "paused"
        webhook.save(update_fields=["stopped_at", "stopped_reason"])
        _record("webhook.stopped", webhook, by, reason="paused")


def start(webhook: Webhook, *, by: Actor) -> None:
    """Go on after a stop; what waited is sent now."""
    with transaction.atomic():
        webhook.stopped_at, webhook.stopped_reason, webhook.failures = None, "", 0
        webhook.save(update_fields=["stopped_at", "stopped_reason", "failures"])
        _record("webhook.started", webhook, by)


def remove(webhook: Webhook, *, by: Actor) -> None:
    with transaction.atomic():
        webhook.removed_at = timezone.now()
        webhook.save(update_fields=["removed_at"])
        _record("webhook.removed", webhook, by)


def _record(action: str, webhook: Webhook, by: Actor, **detail: Any) -> None:
    audit.record(action, team=webhook.team, actor=by.user, target=webhook, request=by.request, **detail)
    transaction.on_commit(forget)


def send_test(webhook: Webhook) -> WebhookDelivery:
    """A message without a meaning, sent at once."""
    body = _body(TEST, {"message": "Hello from pollweb."})
    # Nobody else takes it meanwhile: it is due when this try would be over.
    row = WebhookDelivery.objects.create(
        webhook=webhook, event=TEST, body=body, next_at=timezone.now() + LEASE, attempts=MOST_ATTEMPTS
    )
    _try([row])
    return row


def retry(delivery: WebhookDelivery) -> None:
    """Once more, now, whatever came of it before."""
    delivery.state, delivery.attempts = "waiting", delivery.attempts + 1
    delivery.next_at = timezone.now() + LEASE
    delivery.save(update_fields=["state", "attempts", "next_at"])
    _try([delivery])


# Sending.


def is_due() -> bool:
    return WebhookDelivery.objects.due().exists()


def send_due() -> int:
    """Send what is due, for half a minute at most; how many tries that were. One process at a time is enough."""
    lease, client = redis.key("webhooks", "lease"), redis.sync_client()
    if not client.set(lease, b"1", nx=True, ex=int(RUN_SECONDS + SECONDS + 5)):
        return 0
    began, sent = time.monotonic(), 0
    try:
        while time.monotonic() - began < RUN_SECONDS and (rows := _claim()):
            _try(rows)
            sent += len(rows)
    finally:
        client.delete(lease)
    return sent


def _claim() -> list[WebhookDelivery]:
    """The next to be sent, each taken by nobody else while its lease holds; few of any one webhook."""
    taken: list[WebhookDelivery] = []
    of_one: dict[int, int] = {}
    for row in WebhookDelivery.objects.due().select_related("webhook__team").order_by("next_at", "pk")[: BATCH * 10]:
        if len(taken) == BATCH or of_one.get(row.webhook_id, 0) == OF_ONE:
            continue
        mine = WebhookDelivery.objects.filter(pk=row.pk, state="waiting", next_at=row.next_at)
        if mine.update(next_at=timezone.now() + LEASE, attempts=F("attempts") + 1):
            row.attempts += 1
            of_one[row.webhook_id] = of_one.get(row.webhook_id, 0) + 1
            taken.append(row)
    return taken


def _try(rows: list[WebhookDelivery]) -> None:
    async def all_of_them() -> None:
        await asyncio.gather(*map(_post, rows))

    asyncio.run(all_of_them())
    for row in rows:
        _keep(row)


def signed(webhook: Webhook, delivery: WebhookDelivery) -> dict[str, str]:
    """The headers of one try. Raises InvalidToken when the installation's key is another one now."""
    now = timezone.now()
    sealed = [webhook.secret, *([webhook.previous_secret] if webhook.previous_until else [])]
    signatures = [
        Signature(sealing.unseal(each, PURPOSE)).sign(delivery.message_id, now, delivery.body) for each in sealed
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def _post(row: WebhookDelivery) -> None:
    """One try. What came of it stands in the row, which is not saved yet."""
    began = time.monotonic()
    row.status, row.answer, row.problem = None, "", ""
    try:
        headers = signed(row.webhook, row)
        answer = await post(row.webhook.url, row.body.encode(), headers, seconds=SECONDS)
        row.status = answer.status
        row.answer = answer.bytes.decode("utf-8", "replace").replace("\0", "")[:EXCERPT]
    except (FetchRefused, FetchFailed) as exc:
        row.problem = exc.message[:300]
    except InvalidToken:
        row.problem = "The secret cannot be read: the installation's key was changed. Make a new secret."
    row.seconds, row.tried_at = round(time.monotonic() - began, 3), timezone.now()


def _keep(row: WebhookDelivery) -> None:
    """Keep what came of a try, and what it means for the webhook."""
    is_taken = row.status is not None and 200 <= row.status < 300
    if is_taken:
        row.state = "delivered"
    elif row.attempts >= MOST_ATTEMPTS:
        row.state = "failed"
    else:
        pause_before = PAUSES[row.attempts - 1] * random.uniform(0.8, 1.2)
        row.next_at = timezone.now() + timedelta(seconds=pause_before)
    row.save(update_fields=["state", "next_at", "tried_at", "status", "answer", "problem", "seconds"])
    mine = Webhook.objects.filter(pk=row.webhook_id)
    if is_taken:
        mine.update(failures=0, delivered_at=row.tried_at)
        return
    mine.update(failures=F("failures") + 1)
    if row.status == 410:
        _stop(row.webhook, "gone", Q())
    else:
        _stop(row.webhook, "failures", Q(failures__gte=STOPS_AFTER))


def _stop(webhook: Webhook, reason: str, when: Q) -> None:
    """Tell it nothing any more, once, and say so to those who look after the team."""
    with transaction.atomic():
        found = Webhook.objects.kept().filter(when, pk=webhook.pk, stopped_at=None)
        if not found.update(stopped_at=timezone.now(), stopped_reason=reason):
            return
        audit.record("webhook.stopped", team=webhook.team, actor=None, target=webhook, reason=reason)
    forget()
    owners = webhook.team.memberships.owners().select_related("user").order_by("pk")[:5]
    address = settings.SITE_URL + reverse("team-webhooks-one", args=[webhook.team.slug, webhook.pk])
    mail.send(
        "webhook_stopped",
        [each.user.email for each in owners if each.user.email],
        {"webhook": webhook, "reason": reason, "address": address},
    )


def tidy() -> None:
    """Forget old deliveries, and removed webhooks."""
    now = timezone.now()
    Webhook.objects.filter(removed_at__lt=now - timedelta(hours=1)).delete()
    old = WebhookDelivery.objects.filter(created_at__lt=now - KEPT)
    WebhookDelivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:5000])).delete()
    for webhook in Webhook.objects.filter(delivered_at__isnull=False) | Webhook.objects.filter(failures__gt=0):
        finished = webhook.deliveries.finished().order_by("-pk")
        surplus = list(finished.values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 5000])
        if surplus:
            WebhookDelivery.objects.filter(pk__in=surplus).delete()
