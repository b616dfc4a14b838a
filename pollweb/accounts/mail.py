"""Mail of ours: a subject and a text, in the language of whoever it is for."""

import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation

from pollweb.accounts.models import User
from pollweb.accounts.preferences import language_of

log = logging.getLogger(__name__)


def send(name: str, to: Iterable[str], context: dict[str, Any]) -> bool:
    """`templates/mail/NAME.txt`, whose first line is the subject. False when it could not be handed over.

    Who has an account gets it in their language, everybody else in the one that is spoken now.
    """
    complete = True
    for address in to:
        person = User.objects.filter(email__iexact=address).first()
        language = (language_of(person) if person else "") or translation.get_language() or "en"
        with translation.override(language):
            text = render_to_string(
                f"mail/{name}.txt", {"site_name": settings.DESIGN.site.name, "site_url": settings.SITE_URL, **context}
            )
        subject, _, body = text.strip().partition("\n")
        try:
            EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[address]).send()
        except OSError as exc:  # smtplib's errors are among them
            log.warning("a mail (%s) could not be sent: %s", name, type(exc).__name__)
            complete = False
    return complete
