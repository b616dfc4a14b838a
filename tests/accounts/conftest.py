from dataclasses import dataclass

import pytest

from pollweb.accounts.models import Team, User
from tests.factories import TeamFactory, UserFactory, join


@dataclass(frozen=True)
class Cast:
    """alice owns `bees`, bob is a member, vera may look, adam is an admin; charlie owns `wasps`; the
    stranger is in no team."""

    alice: User
    adam: User
    bob: User
    vera: User
    charlie: User
    stranger: User
    bees: Team
    wasps: Team


@pytest.fixture
def cast(db: None) -> Cast:
    return call_the_cast()


def call_the_cast() -> Cast:
    people = {
        name: UserFactory.create(username=name) for name in ("alice", "adam", "bob", "vera", "charlie", "stranger")
    }
    bees, wasps = TeamFactory.create(name="Bees"), TeamFactory.create(name="Wasps")
    join(bees, people["alice"], "owner")
    join(bees, people["adam"], "admin")
    join(bees, people["bob"], "member")
    join(bees, people["vera"], "viewer")
    join(wasps, people["charlie"], "owner")
    return Cast(**people, bees=bees, wasps=wasps)
