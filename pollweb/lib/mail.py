"""Mail without a mail server: files in POLLWEB_HOME/mail, for their owner only, and a line on the terminal.

The terminal also shows the code in it when somebody is looking; a pipe may end in a log, where no code belongs, and is
told the file's name only.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from pollweb.lib import ids
from pollweb.lib.log import clean

KEPT = 200  # the newest mails; older ones go


class Files(BaseEmailBackend):
    """Writes each message as `20260131-120000-123456-….eml`, so that names sort by time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.MAIL_FOLDER)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        for message in email_messages:
            path = folder / f"{timezone.now():%Y%m%d-%H%M%S-%f}-{ids.request_id()[:8]}.eml"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(message.message().as_bytes())
            _tell(message, path)
        for old in sorted(folder.glob("*.eml"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return len(email_messages)


def _tell(message: EmailMessage, path: Path) -> None:
    essence = getattr(message, "essence", "") if settings.TERMINAL else ""
    about = f"{message.subject}: {essence}" if essence else message.subject
    sys.stdout.write(clean(f"Mail to {', '.join(message.to)} ({about}) lies in {path}") + "\n")
    sys.stdout.flush()
