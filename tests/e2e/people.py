"""What people do in a browser before they can do anything else: sign up, sign in. `site` is a tests.site.Site."""

import email
import re
from email.policy import default

from playwright.sync_api import Page

from tests.site import Site, eventually

PASSWORD = "correct horse battery"
CODE = re.compile(r"^\s*([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})+)\s*$", re.MULTILINE)


def code_from_mail(site: Site, to: str) -> str:
    """The code in the newest mail to this address: without a mail server, mail lies in files."""

    def codes() -> list[str]:
        mails = [email.message_from_bytes(path.read_bytes(), policy=default) for path in site.home.glob("mail/*.eml")]
        texts = [(str(mail["Date"]), mail.get_content()) for mail in mails if mail["To"] == to]
        return [found[1] for _, text in sorted(texts) if (found := CODE.search(text))]

    assert eventually(lambda: bool(codes()), 10), f"no code was sent to {to}"
    return codes()[-1]


def sign_up(page: Page, site: Site, address: str, visibility: str = "public") -> None:
    """From any page through mail and the one question, and back to that page."""
    page.get_by_role("link", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign up").click()
    page.get_by_label("Verification code").fill(code_from_mail(site, address))
    page.get_by_role("button", name="Go on").click()
    page.locator(f"[name=visibility][value={visibility}]").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label(f"Account of {address.partition('@')[0]}").wait_for()
