"""Where a JWT may be sent: to this very machine, or to a page that the same person has shown to be theirs."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from pollweb.accounts import domains, referrers
from pollweb.accounts.models import Referrer, User
from pollweb.lib.errors import BadRequest
from pollweb.lib.http.addresses import is_loopback

LOOPBACK_NAMES = frozenset({"localhost"})


class RedirectRefused(BadRequest):
    code = "redirect_not_allowed"


def checked(address: str, user: User) -> str:
    """The host of an address that `user` may be sent to with a JWT. RedirectRefused says why not.

    http or https, to loopback with any port; https to a domain that this person registered and verified. No user name,
    fragment, backslash or control character: nothing that browsers and we could understand differently.
    """
    if len(address) > domains.LONGEST or not address.isascii() or domains.AMBIGUOUS.search(address):
        raise RedirectRefused(_("redirect_uri must be a plain http or https address."))
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as exc:
        raise RedirectRefused(_("redirect_uri must be a plain http or https address.")) from exc
    host = domains.spelled(parts.hostname or "")
    if parts.scheme not in ("http", "https") or not host or parts.fragment or "#" in address:
        raise RedirectRefused(_("redirect_uri must be an http or https address without a fragment."))
    if host in LOOPBACK_NAMES or is_loopback(host):
        return host
    is_named = f"{host}:{port}" in settings.FETCH_ALLOW
    if parts.scheme != "https" and not is_named:
        raise RedirectRefused(_("redirect_uri must be an https address."))
    if not _is_theirs(host, user):
        raise RedirectRefused(
            _(
                "redirect_uri must lead to this machine, or to a domain that you have registered and verified; "
                "%(host)s is neither."
            )
            % {"host": host}
        )
    return host


def _is_theirs(host: str, user: User) -> bool:
    standing = referrers.stand(host)
    if standing.reason != "registered_referrer" or standing.kind == "identifier":
        return False
    row = Referrer.objects.select_related("team").filter(pk=standing.referrer_id or 0).first()
    return row is not None and (row.team.person_id == user.pk or row.created_by_id == user.pk)


def with_token(address: str, told: dict[str, Any]) -> str:
    """The address with a JWT in its fragment; in the query where the operator allows it."""
    if not settings.DESIGN.auth.token_in_query:
        return f"{address}#{urlencode(told)}"
    return f"{address}{'&' if '?' in address else '?'}{urlencode(told)}"
