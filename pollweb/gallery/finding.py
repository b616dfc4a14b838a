"""Which result an address of an item means, and whether whoever asks may see it."""

from typing import Any

from django.utils.translation import gettext as _

from generation.models import Generation
from pollweb.accounts.models import Membership
from pollweb.gallery.errors import Gone
from pollweb.gallery.models import Report
from pollweb.lib.errors import NotFound


def find(public_id: str, user: Any = None, *, is_own: bool = False) -> Generation:
    """A public result, or one of a team that `user` is in, or, when it is `is_own`, what is kept back from strangers.

    Gone when it was taken down; NotFound for what is unknown, unfinished, or somebody else's and private.
    """
    generation = Generation.objects.finished().filter(public_id=public_id).select_related("artifact").first()
    if generation is not None and (
        _is_of_own_team(generation, user) or _is_looked_at(generation, user) or (is_own and generation.is_kept_back)
    ):
        return generation
    if generation is None or generation.visibility != "public":
        raise NotFound(_("There is no such item. It may be private, or the address may be mistyped."))
    if generation.deleted_at:
        raise Gone(_("Whoever made this has deleted it."))
    if generation.hidden_at:
        raise Gone(_why_hidden(generation))
    if not generation.is_visible:
        raise NotFound(_("This item is not shown here."))
    return generation


def _is_looked_at(generation: Generation, user: Any) -> bool:
    """Whether an operator looks at what is kept back from everybody, to judge it."""
    return generation.is_kept_back and is_operator(user)


def is_operator(user: Any) -> bool:
    return user is not None and user.is_authenticated and user.is_active and user.is_staff


def is_maker(generation: Generation, user: Any, *, is_own: bool) -> bool:
    """Whether who asks made it: in this browser, or as a member of its team."""
    return is_own or _is_member(generation, user)


def _why_hidden(generation: Generation) -> str:
    reports = Report.objects.filter(generation=generation)
    upheld = reports.upheld().first()
    if upheld is not None:
        return _("This item was taken out of the gallery: %(reason)s.") % {"reason": upheld.get_reason_display()}
    if reports.open().exists():
        return _("Several people have reported this item. It is hidden until an operator has looked at it.")
    return _("This item was taken out of the gallery.")


def _is_of_own_team(generation: Generation, user: Any) -> bool:
    """Whether a member looks at what is not shown to everybody. What was deleted is not shown to them either."""
    return not generation.is_visible and not generation.deleted_at and _is_member(generation, user)


def _is_member(generation: Generation, user: Any) -> bool:
    if generation.team_id is None or user is None or not user.is_authenticated:
        return False
    return Membership.objects.filter(user=user, team_id=generation.team_id, team__deleted_at=None).exists()
