"""Whether a domain is whose team says it is: a DNS record, a file or a tag that only its owner can publish.

The proof is `pollweb-verification=PROOF`: as a TXT record of the domain or of `_pollweb.` below it, as a line of
`/.well-known/pollweb.txt`, or as `<meta name="pollweb-verification" content="PROOF">` in the head of the first page. A
wildcard is shown at the domain it stands on. Files are asked for over https, from the domain itself: a redirect to
another host proves nothing. Where POLLWEB_FETCH_ALLOW names the host, its port is asked over http instead.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from pollweb.accounts import audit, domains, webhooks
from pollweb.accounts.models import Referrer
from pollweb.accounts.tokens import OPERATOR, Actor
from pollweb.lib.errors import PollwebError
from pollweb.lib.fetch import fetch

NAME = "pollweb-verification"
FILE = "/.well-known/pollweb.txt"
SECONDS = 5.0  # for everything together: somebody is waiting for the page
MOST_BYTES = 256 * 1024
MOST_TOLD = 120
MOST_AT_ONCE = 200
LOOK_AGAIN = timedelta(days=1)
PATIENCE = timedelta(days=7)  # a domain whose proof is gone for so long is no longer verified

Find = Callable[[str, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Look:
    """One place that was looked at: `found` says what was there."""

    place: str
    is_right: bool
    found: str


def line_of(referrer: Referrer) -> str:
    """What the owner publishes."""
    return f"{NAME}={referrer.proof}"


def host_of(referrer: Referrer) -> str:
    return referrer.pattern.removeprefix("*.")


async def _records(name: str) -> list[str]:
    """The TXT records of a name. DNSException, and OSError, when there are none to be had."""
    answer = await dns.asyncresolver.resolve(name, "TXT", lifetime=SECONDS - 1, search=False)
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


async def by_dns(host: str, line: str) -> Look:
    place, said = f"TXT {host}, _pollweb.{host}", []
    for name in (host, f"_pollweb.{host}"):
        try:
            records = await _records(name)
        except (dns.exception.DNSException, OSError, ValueError):
            continue
        if any(record.strip() == line for record in records):
            return Look(place, True, line)
        said += [record[:MOST_TOLD] for record in records if record.startswith(NAME)]
    return Look(place, False, said[0] if said else _("no such record"))


def _addresses(host: str, path: str) -> list[str]:
    allowed = [pair for pair in settings.FETCH_ALLOW if domains.spelled(pair.rpartition(":")[0]) == host]
    return [f"http://{pair}{path}" for pair in allowed] or [f"https://{host}{path}"]


async def _get(host: str, address: str) -> str:
    """The text at an address of this very host. PollwebError says why there is none."""
    fetched = await fetch(address, allow=("text/",), most_bytes=MOST_BYTES, seconds=SECONDS - 1)
    if domains.spelled(urlsplit(fetched.url).hostname or "") != host:
        raise PollwebError(_("It redirects to another host, which proves nothing."))
    return fetched.bytes.decode("utf-8", "replace")


async def by_file(host: str, line: str) -> Look:
    look = Look(FILE, False, "")
    for address in _addresses(host, FILE):
        try:
            lines = [each.strip() for each in (await _get(host, address)).splitlines()]
        except PollwebError as exc:
            look = Look(address, False, exc.message)
            continue
        if line in lines:
            return Look(address, True, line)
        first = next((each for each in lines if each), "")
        look = Look(address, False, first[:MOST_TOLD] or _("an empty file"))
    return look


class _Head(HTMLParser):
    """The contents of our meta tags, as far as the head goes: everything after it may be what visitors wrote."""

    IN_HEAD = frozenset({"html", "head", "title", "meta", "link", "base", "style", "script", "noscript", "template"})
    # What stands in these is text, or for nobody: browsers see no tags there.
    CLOSED = frozenset({"title", "style", "script", "noscript", "template"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_over = False
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.inside or self.is_over:
            return
        self.is_over = tag not in self.IN_HEAD
        self.inside = tag if tag in self.CLOSED else ""
        said = dict(attrs)
        if tag == "meta" and (said.get("name") or "").lower() == NAME:
            self.found.append((said.get("content") or "").strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""
        elif tag == "head" and not self.inside:
            self.is_over = True


async def by_tag(host: str, line: str) -> Look:
    look = Look("/", False, "")
    for address in _addresses(host, "/"):
        try:
            text = await _get(host, address)
        except PollwebError as exc:
            look = Look(address, False, exc.message)
            continue
        head = _Head()
        head.feed(text)
        if line.partition("=")[2] in head.found:
            return Look(address, True, f'<meta name="{NAME}">')
        look = Look(address, False, head.found[0][:MOST_TOLD] if head.found else _("no such tag in the page's head"))
    return look


async def look(referrer: Referrer) -> list[Look]:
    """Look at the three places at once, for five seconds at most."""
    host, line = host_of(referrer), line_of(referrer)

    async def bounded(way: Callable[[str, str], Awaitable[Look]], place: str) -> Look:
        try:
            async with asyncio.timeout(SECONDS):
                return await way(host, line)
        except TimeoutError:
            return Look(place, False, _("no answer within %(seconds)s seconds") % {"seconds": int(SECONDS)})

    return list(
        await asyncio.gather(
            bounded(by_dns, f"TXT {host}"), bounded(by_file, FILE), bounded(by_tag, f"https://{host}/")
        )
    )


def check(referrer: Referrer, *, by: Actor = OPERATOR) -> list[Look]:
    """Look, and keep what came of it: verified, failing (it was verified before), or pending with the problem.

    Of two teams that can both show it, the one that was first keeps it.
    """
    looks = asyncio.run(look(referrer))
    now = timezone.now()
    if any(each.is_right for each in looks):
        rival = Referrer.objects.filter(pattern=referrer.pattern, verified_at__isnull=False).exclude(pk=referrer.pk)
        other = rival.first()
        if other is not None and any(each.is_right for each in asyncio.run(look(other))):
            _keep(
                referrer,
                checked_at=now,
                problem=gettext_noop("Another team has registered this domain and can show it too."),
            )
        else:
            _verified(referrer, other, by)
    else:
        was_fine = referrer.verified_at is not None and not referrer.problem
        _keep(referrer, checked_at=now, problem=gettext_noop("The proof was found in none of the three places."))
        if was_fine and referrer.verified_at is not None:
            loses = (max(referrer.verified_at + PATIENCE, now)).isoformat()
            webhooks.tell(
                referrer.team_id,
                "referrer.failing",
                {"referrer": referrer.pattern, "problem": referrer.problem, "counts_until": loses},
            )
    return looks


def _keep(referrer: Referrer, **fields: object) -> None:
    for name, value in fields.items():
        setattr(referrer, name, value)
    referrer.save(update_fields=list(fields))


def _verified(referrer: Referrer, other: Referrer | None, by: Actor) -> None:
    was, now = referrer.verified_at, timezone.now()
    try:
        with transaction.atomic():
            if other is not None:
                _keep(
                    other, verified_at=None, problem=gettext_noop("Another team has shown that the domain is theirs.")
                )
            _keep(referrer, verified_at=now, checked_at=now, problem="")
            if was is None:
                audit.record(
                    "referrer.verified", team=referrer.team, actor=by.user, target=referrer, request=by.request
                )
    except IntegrityError:  # another team was quicker by a moment
        referrer.refresh_from_db()
        _keep(
            referrer,
            checked_at=now,
            problem=gettext_noop("Another team has registered this domain and can show it too."),
        )


def check_again() -> int:
    """Look at verified domains again that nobody has looked at for a day. How many were looked at."""
    now = timezone.now()
    # What the operator has vouched for (addreferrer) was never looked at, and is not now.
    due = Referrer.objects.filter(verified_at__isnull=False, team__deleted_at=None).filter(
        checked_at__lt=now - LOOK_AGAIN
    )
    rows = list(due.select_related("team").order_by(F("checked_at").asc(nulls_first=True))[:MOST_AT_ONCE])
    for row in rows:
        check(row)
        if row.problem and row.verified_at and row.verified_at < now - PATIENCE:
            row.verified_at = None
            row.save(update_fields=["verified_at"])
            audit.record("referrer.lapsed", team=row.team, actor=None, target=row)
    return len(rows)
