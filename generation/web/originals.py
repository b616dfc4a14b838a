"""The picture that another one was made from, for the page that shows them beside each other.

What somebody sent is theirs: only who made the result sees it, as long as it is in the store. Others see it where it is
the result of an item that they may see anyway.
"""

from dataclasses import dataclass

from django.db.models import Q

from generation import inputs
from generation.models import Generation
from generation.web import brought
from generation.web.brought import Brought

MOST_APART = 0.03  # of their shapes, when one is laid over the other: rounding to a model's steps is no other shape


@dataclass(frozen=True, slots=True)
class Original:
    """`item_id` is the public id of the public item whose result it is, if it is one's; `fits` says that both pictures
    have one shape, so that one can be laid over the other."""

    picture: Brought
    item_id: str
    fits: bool


def of(generation: Generation, *, is_own: bool, is_member: bool = False) -> Original | None:
    """What a picture was made from, for whoever made it (`is_own`), a member of its team, or somebody else.

    None for what was made from words alone or from several pictures, for what is not here any more, and for what this
    reader may not see. Sensitive pictures are not laid open in this way.
    """
    if generation.kind != "image" or generation.is_mature or not (generation.width and generation.height):
        return None
    digests = inputs.digests_of(generation.request())
    if len(digests) != 1 or not (found := brought.of(digests)):
        return None
    made = Generation.objects.filter(artifact=digests[0]).exclude(pk=generation.pk)
    item = made.public().filter(deleted_at=None).order_by("pk").first()
    kept_back = made.filter(~Q(hidden_at=None) | ~Q(deleted_at=None)).exists()  # taken out, or away by its maker's will
    of_team = is_member and made.filter(team__isnull=False, team=generation.team_id).exists()
    if not item and (kept_back or not (is_own or of_team)):
        return None
    return Original(found[0], item.public_id if item else "", _alike(found[0], generation))


def _alike(picture: Brought, generation: Generation) -> bool:
    if not (picture.width and picture.height):
        return False
    return abs(picture.width / picture.height / (generation.width / generation.height) - 1) <= MOST_APART
