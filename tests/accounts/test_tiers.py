"""Tiers: what each gives, the way to the next one, asking for it, and the operator's answer, in force at once."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.test import Client

from pollweb import config
from pollweb.accounts import identity, usage
from pollweb.accounts.models import AuditEvent, Team, TierRequest, User
from tests.accounts.conftest import Cast
from tests.factories import UserFactory, token_of

WISH = {"wanted": "flower", "purpose": "A picture book.", "load": "200 a day", "links": ""}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def operator() -> User:
    return UserFactory.create(username="olga", is_staff=True)


def test_the_page_shows_what_the_design_says(cast: Cast):
    page = signed_in(cast.vera).get("/t/bees/tier")
    offers = {offer.name: offer for offer in page.context["offers"]}
    assert list(offers) == ["anonymous", "seed", "flower", "nectar"]
    assert (offers["flower"].concurrency, offers["flower"].waiting) == (7, 35)
    assert "openai-large" in offers["flower"].models
    assert "openai-large" not in offers["anonymous"].models
    assert offers["nectar"].models_in_all >= offers["anonymous"].models_in_all


def cells(client: Client, row: str) -> list[str]:
    """What the table of the page says of each tier, from the lowest to the highest."""
    page = client.get("/t/bees/tier").content.decode()
    [found] = re.findall(rf'<tr><th scope="row">{row}.*?</th>(.*?)</tr>', page)
    return [re.sub(r"<[^>]*>", " ", cell).strip() for cell in found.split("</td>")[:-1]]


def test_the_page_says_what_is_kept_for_how_long(cast: Cast, settings):
    vera = signed_in(cast.vera)
    assert cells(vera, "Results are kept") == ["without end", *["until the team deletes them"] * 3]
    assert b"What failed is kept for 30 days" in vera.get("/t/bees/tier").content
    settings.DESIGN = config.parse({"retention": {"visitors_days": 60, "failed_days": 0}})
    visitors, *teams = cells(vera, "Results are kept")
    assert visitors == "60 days"
    assert all("by referrer alone: 60 days" in each for each in teams)
    assert b"What failed is kept" not in vera.get("/t/bees/tier").content


def test_the_page_says_who_may_leave_out_the_logo_if_there_is_one(cast: Cast, settings):
    vera = signed_in(cast.vera)
    assert cells(vera, "Logo") == ["none"] * 4
    settings.DESIGN = config.parse({"site": {"logo": "logo.png"}})
    assert cells(vera, "Logo") == ["always", *["unless  nologo=true"] * 3]


def test_the_page_says_what_strangers_may_see(cast: Cast, settings):
    vera = signed_in(cast.vera)
    assert cells(vera, "In gallery and feeds") == ["unless  private=true", *["as the team chooses"] * 3]
    settings.DESIGN = config.parse({"visibility": {"image": "private"}})
    assert b"text only" in vera.get("/t/bees/tier").content
    settings.DESIGN = config.parse({"visibility": {"image": "private", "text": "private"}})
    assert cells(vera, "In gallery and feeds") == ["never"] * 4


def test_a_team_sees_how_far_it_is_on_its_way_to_the_next_tier(cast: Cast):
    adam = signed_in(cast.adam)
    assert b"0 requests in 30 days" in adam.get("/t/bees/tier").content
    usage.count(usage.Key("image", "flux", cast.bees.pk), usage.Counts(succeeded=1233, failed=1))
    usage.count(usage.Key("image", "flux", cast.wasps.pk), usage.Counts(succeeded=9))
    answer = adam.get("/t/bees/tier")
    progress = answer.context["progress"]
    assert (progress.present.name, progress.next.name) == ("seed", "flower")
    assert (progress.requests, progress.is_asked) == (1234, False)
    assert b"1,234 requests in 30 days" in answer.content
    adam.post("/t/bees/tier/ask", WISH)
    waiting = adam.get("/t/bees/tier")
    assert waiting.context["progress"].is_asked
    assert b"Waiting for an answer. It comes by mail" in waiting.content
    olga, wish = signed_in(operator()), TierRequest.objects.get()
    assert b"1,234" in olga.get(f"/staff/tiers/{wish.pk}").content
    olga.post(f"/staff/tiers/{wish.pk}/decide", {"verdict": "denied", "reason": "Too early."})
    assert b"The last request was denied; you may ask again." in adam.get("/t/bees/tier").content


def test_above_the_highest_tier_there_is_no_progress(cast: Cast):
    Team.objects.filter(pk=cast.bees.pk).update(tier="nectar")
    answer = signed_in(cast.adam).get("/t/bees/tier")
    assert answer.context["progress"] is None
    assert b"There is no higher tier." in answer.content


def test_a_wish_is_filed_once_and_its_state_is_seen(cast: Cast):
    adam = signed_in(cast.adam)
    assert adam.post("/t/bees/tier/ask", WISH).status_code == 302
    assert adam.post("/t/bees/tier/ask", WISH).status_code == 422
    assert TierRequest.objects.count() == 1
    assert b"Waiting for an answer" in signed_in(cast.vera).get("/t/bees/tier").content
    assert adam.post("/t/bees/tier/withdraw").status_code == 302
    assert TierRequest.objects.get().state == "withdrawn"
    assert adam.post("/t/bees/tier/ask", WISH).status_code == 302


def test_only_a_higher_tier_can_be_asked_for(cast: Cast):
    adam = signed_in(cast.adam)
    for wanted in ("anonymous", "seed", "gold", ""):
        assert adam.post("/t/bees/tier/ask", {**WISH, "wanted": wanted}).status_code == 422
    forged = {**WISH, "state": "granted", "team": cast.wasps.pk, "decided_by": cast.adam.pk}
    adam.post("/t/bees/tier/ask", forged)
    wish = TierRequest.objects.get()
    assert (wish.state, wish.team, wish.decided_by) == ("open", cast.bees, None)
    assert Team.objects.get(pk=cast.bees.pk).tier == "seed"


def test_a_granted_wish_changes_the_tier_with_a_reason_and_a_mail(cast: Cast):
    signed_in(cast.adam).post("/t/bees/tier/ask", WISH)
    wish = TierRequest.objects.get()
    olga = signed_in(operator())
    answer = olga.post(f"/staff/tiers/{wish.pk}/decide", {"verdict": "granted", "reason": "Good work."})
    assert answer.status_code == 302
    assert Team.objects.get(pk=cast.bees.pk).tier == "flower"
    event = AuditEvent.objects.get(action="tier.changed")
    assert (event.team, event.actor_name) == (cast.bees, "olga")
    assert event.detail == {"before": "seed", "after": "flower", "reason": "Good work."}
    assert mail.outbox[-1].to == ["alice@example.com"]
    assert "Good work." in mail.outbox[-1].body
    assert b"Good work." in signed_in(cast.vera).get("/t/bees/tier").content
    again = olga.post(f"/staff/tiers/{wish.pk}/decide", {"verdict": "denied", "reason": "No."})
    assert again.status_code == 409
    assert Team.objects.get(pk=cast.bees.pk).tier == "flower"


def test_a_denied_wish_changes_nothing_but_says_why(cast: Cast):
    signed_in(cast.adam).post("/t/bees/tier/ask", WISH)
    path = f"/staff/tiers/{TierRequest.objects.get().pk}/decide"
    olga = signed_in(operator())
    assert olga.post(path, {"verdict": "denied"}).status_code == 422
    olga.post(path, {"verdict": "denied", "reason": "Too early."})
    assert Team.objects.get(pk=cast.bees.pk).tier == "seed"
    assert b"Too early." in signed_in(cast.bob).get("/t/bees/tier").content


@pytest.mark.django_db(transaction=True)
def test_an_operator_sets_a_tier_and_the_next_request_has_it(cast: Cast):
    secret = token_of(cast.bees)
    identity.forget()
    assert async_to_sync(identity.by_token)(secret, "192.0.2.1").tier == "seed"
    sent = {"team": "bees", "tier": "nectar", "reason": "Partner."}
    assert signed_in(operator()).post("/staff/tiers/set", sent).status_code == 302
    assert async_to_sync(identity.by_token)(secret, "192.0.2.1").tier == "nectar"


def test_setting_a_tier_takes_a_team_a_tier_and_a_reason(cast: Cast):
    olga = signed_in(operator())
    for wrong in ({"team": "nobody"}, {"tier": "gold"}, {"reason": ""}):
        sent = {"team": "bees", "tier": "flower", "reason": "x", **wrong}
        assert olga.post("/staff/tiers/set", sent).status_code == 422
    assert Team.objects.get(pk=cast.bees.pk).tier == "seed"


def test_the_list_can_be_filtered_and_says_when_it_is_empty(cast: Cast):
    olga = signed_in(operator())
    assert b"Nobody is waiting" in olga.get("/staff/tiers").content
    signed_in(cast.adam).post("/t/bees/tier/ask", WISH)
    assert b"Bees" in olga.get("/staff/tiers").content
    assert b"Clear filters" in olga.get("/staff/tiers?state=granted").content
