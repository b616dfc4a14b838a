"""What a person reads in the mail that pollweb has sent in this test."""

import re

from django.core import mail

CODE = re.compile(r"^\s*([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})+)\s*$", re.MULTILINE)


def latest(to: str) -> str:
    """The text of the newest mail to this address."""
    return next(str(message.body) for message in reversed(mail.outbox) if to in message.to)


def code_for(to: str) -> str:
    found = CODE.search(latest(to))
    assert found, latest(to)
    return found[1]
