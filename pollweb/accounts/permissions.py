"""Who may do what in a team: one table, read by views, templates and tests.

A role may do what is listed for it and for every role below it.
"""

from django.db.models import Q

from pollweb.accounts.models import Membership

GRANTED = {
    "viewer": frozenset({"team.see", "usage.see", "library.see", "tier.see", "members.see", "walls.see"}),
    "member": frozenset(
        {
            "generate",
            "library.change",  # one's own results; others' with library.change_all
            "requests.see",
            "tokens.see",
            "tokens.create",
            "tokens.change",  # one's own; others' with tokens.change_all
            "referrers.see",
            "referrers.create",
            "walls.change",  # with their screens and display keys
        }
    ),
    "admin": frozenset(
        {
            "library.change_all",
            "tokens.change_all",
            "referrers.change",
            "members.invite",
            "members.change",  # of admins, members and viewers
            "tier.ask",
            "webhooks.see",
            "webhooks.change",
            "audit.see",
            "settings.change",
        }
    ),
    "owner": frozenset({"members.change_owners", "team.export", "team.delete"}),
}
RANK = {"viewer": 0, "member": 1, "admin": 2, "owner": 3}
ALL = frozenset().union(*GRANTED.values())


def granted(role: str) -> frozenset[str]:
    """Everything that this role may do."""
    return frozenset().union(*(GRANTED[name] for name, rank in RANK.items() if rank <= RANK[role]))


BY_ROLE = {role: granted(role) for role in RANK}


def may(membership: Membership, action: str) -> bool:
    """KeyError-free only for words of the table: a mistyped action fails loudly."""
    if action not in ALL:
        raise LookupError(f"{action!r} is not in the table of permissions")
    return action in BY_ROLE[membership.role]


def may_give(membership: Membership, role: str) -> bool:
    """Whether this member may make somebody a `role`, or unmake one: owners are made by owners only."""
    return may(membership, "members.change_owners" if role == "owner" else "members.change")


def roles_with(action: str) -> Q:
    """For querysets: memberships that may do `action`."""
    return Q(role__in=[role for role, actions in BY_ROLE.items() if action in actions])
