from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from pollweb.accounts import tokens
from pollweb.accounts.models import Token
from pollweb.accounts.reminders import remind_of_expiry
from pollweb.accounts.tokens import Actor
from tests.accounts.conftest import Cast


def test_a_tokens_maker_is_written_to_fourteen_and_three_days_before_its_end_and_on_the_day(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    end = timezone.now() + timedelta(days=30)
    secret = tokens.create(cast.bees, "nightly", by=Actor(cast.bob), expires_at=end).secret
    told = []
    for left in (timedelta(days=20), timedelta(days=13), timedelta(days=5), timedelta(days=2), timedelta(hours=20)):
        monkeypatch.setattr(timezone, "now", lambda left=left: end - left)
        for _ in range(2):
            told += [left] * remind_of_expiry()
    assert told == [timedelta(days=13), timedelta(days=2), timedelta(hours=20)]
    message = mail.outbox[-1]
    assert message.to == [cast.bob.email]
    assert "nightly" in message.subject
    assert secret not in message.body
    assert f"/t/bees/tokens/{Token.objects.get().pk}" in message.body


def test_a_token_that_nobody_made_is_told_to_the_owners(cast: Cast):
    tokens.create(cast.bees, expires_at=timezone.now() + timedelta(days=2))
    remind_of_expiry()
    assert [message.to for message in mail.outbox] == [[cast.alice.email]]


def test_a_revoked_token_is_told_to_nobody(cast: Cast):
    tokens.revoke(tokens.create(cast.bees, expires_at=timezone.now() + timedelta(days=2)).token)
    remind_of_expiry()
    assert mail.outbox == []
