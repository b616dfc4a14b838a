"""The ways in, and what is refused on them."""

import re
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core import mail
from django.test import Client

from pollweb import config
from pollweb.accounts import invitations
from pollweb.accounts.mail import send
from pollweb.accounts.models import AuditEvent, Team, User
from pollweb.accounts.pages import Visit
from pollweb.lib.redis import RedisError
from tests.accounts.mailbox import code_for, latest
from tests.factories import TeamFactory, UserFactory, join
from tests.hold.pace import FULL

pytestmark = pytest.mark.django_db

ADDRESS = "dora@example.com"
PASSWORD = "correct horse battery"
GUESSES = 1000 if FULL else 30


def sign_up(client: Client, email: str = ADDRESS, password: str = PASSWORD, **more: str) -> Any:
    """As a person does it: the form, then the code from the mail."""
    client.post("/account/signup/", {"email": email, "password1": password, **more})
    return client.post("/account/confirm-email/", {"code": code_for(email)})


def sign_in(client: Client, email: str = "alice@example.com", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/account/login/", {"login": email, "password": password, **more})


def prove(client: Client, password: str = PASSWORD) -> None:
    """Once more, as changes of weight demand it."""
    client.post("/account/reauthenticate/", {"password": password})


def who(client: Client) -> str:
    """The address of whoever is signed in; empty for a visitor."""
    found = re.search(r"signed in as (\S+)\.</p>", client.get("/account/").content.decode())
    return found[1] if found else ""


@pytest.fixture
def alice(db: None) -> User:
    """Somebody who has been here before."""
    user = UserFactory.create(username="alice", settings={"visibility_asked": True})
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
    return user


NOON = 1_800_000_000  # seconds: codes of authenticator apps are told at this moment, and do not run out on the way


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: NOON))


def shown_by_the_app(secret: str) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, NOON // 30))


def totp_for(user: User) -> str:
    """Sets an authenticator app up, and gives the code that it shows."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return shown_by_the_app(secret)


class TestSigningUp:
    def test_it_leads_by_a_code_and_one_question_into_a_team_of_ones_own(self, client):
        answer = sign_up(client)
        assert answer["Location"].startswith("/account/welcome/")
        page = client.get(answer["Location"])
        assert "checked" not in page.content.decode(), "nobody answers the question for them"
        assert client.post("/account/welcome/", {}).status_code == 422
        assert client.post("/account/welcome/", {"visibility": "public"})["Location"] == "/t/"
        team = Team.objects.get(person__email=ADDRESS)
        assert team.visibility == "public"
        assert [member.role for member in team.memberships.all()] == ["owner"]
        assert who(client) == ADDRESS

    def test_until_the_code_is_entered_nobody_is_signed_in(self, client):
        client.post("/account/signup/", {"email": ADDRESS, "password1": PASSWORD})
        assert client.get("/account/")["Location"].startswith("/account/login/")
        answer = client.post("/account/confirm-email/", {"code": "AAA-AAA"})
        assert answer.status_code == 422
        assert client.get("/account/").status_code == 302

    def test_it_needs_no_password(self, client):
        sign_up(client, password="")
        assert not User.objects.get(email=ADDRESS).has_usable_password()
        assert who(client) == ADDRESS

    def test_the_question_leads_to_where_one_was_going(self, client):
        answer = sign_up(client, next="/create")
        goal = client.post(answer["Location"], {"visibility": "private", "next": "/create"})
        assert goal["Location"] == "/create"

    def test_an_address_that_has_an_account_is_answered_like_any_other(self, client, alice):
        known = client.post("/account/signup/", {"email": alice.email, "password1": PASSWORD})
        unknown = Client().post("/account/signup/", {"email": ADDRESS, "password1": PASSWORD})
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
        assert "There is one already" in latest(alice.email)
        assert User.objects.filter(email=alice.email).count() == 1

    def test_a_poor_password_is_refused_with_everything_kept(self, client):
        answer = client.post("/account/signup/", {"email": ADDRESS, "password1": "12345"})
        assert answer.status_code == 422
        assert ADDRESS in answer.content.decode()

    @pytest.mark.parametrize("wish", ["closed", "invited"])
    def test_the_operator_can_close_it(self, client, settings, wish):
        settings.DESIGN = config.parse({"site": {"sign_up": wish}})
        assert "No new accounts here" in client.get("/account/signup/").content.decode()
        client.post("/account/signup/", {"email": ADDRESS, "password1": PASSWORD})
        assert not User.objects.filter(email=ADDRESS).exists()

    def test_where_it_takes_an_invitation_the_invited_can(self, client, settings, alice):
        settings.DESIGN = config.parse({"site": {"sign_up": "invited"}})
        visit = Visit(alice, team := TeamFactory.create(name="Bees"), join(team, alice, "owner"))
        link = invitations.invite(visit, "", "member").link
        client.get(urlsplit(link).path)
        sign_up(client)
        assert User.objects.filter(email=ADDRESS).exists()


class TestTeamOfOne:
    def test_whoever_is_made_by_other_means_has_one_too(self):
        for made in (User.objects.create_user("erin", "erin@example.com"), User.objects.create_superuser("frank")):
            assert Team.objects.filter(person=made).count() == 1

    def test_it_is_made_once(self):
        erin = User.objects.create_user("erin")
        erin.first_name = "Erin"
        erin.save()
        assert Team.objects.filter(person=erin).count() == 1

    def test_two_of_the_same_name_have_different_addresses(self):
        TeamFactory.create(name="erin")
        assert User.objects.create_user("erin").personal_team.slug != "erin"


class TestSigningIn:
    def test_with_a_password(self, client, alice):
        assert sign_in(client)["Location"] == "/t/"
        assert who(client) == alice.email
        assert AuditEvent.objects.filter(action="account.signed_in", actor=alice).count() == 1

    def test_with_a_code(self, client, alice):
        client.post("/account/login/code/", {"email": alice.email})
        answer = client.post("/account/login/code/confirm/", {"code": code_for(alice.email)})
        assert answer["Location"] == "/t/"
        assert who(client) == alice.email

    def test_a_code_is_good_for_one_time_and_three_tries(self, client, alice):
        client.post("/account/login/code/", {"email": alice.email})
        code = code_for(alice.email)
        for _ in range(3):
            client.post("/account/login/code/confirm/", {"code": "BBB-BBB"})
        client.post("/account/login/code/confirm/", {"code": code})
        assert who(client) == ""

    def test_asking_for_a_code_tells_nothing_about_who_is_known(self, client, alice):
        known = client.post("/account/login/code/", {"email": alice.email})
        unknown = Client().post("/account/login/code/", {"email": "nobody@example.com"})
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
        assert "there is no account" in latest("nobody@example.com")

    def test_a_wrong_password_and_an_unknown_address_are_answered_alike(self, client, alice):
        def shown(email: str) -> str:
            page = sign_in(Client(), email, "wrong horse").content.decode()
            return re.sub(r'(value|nonce)="[^"]*"', "", page)

        assert shown(alice.email) == shown("nobody@example.com")

    def test_a_form_with_mistakes_is_422(self, client, alice):
        assert sign_in(client, password="wrong horse").status_code == 422

    def test_a_forgotten_password_is_replaced_with_a_code(self, client, alice):
        client.post("/account/password/reset/", {"email": alice.email})
        client.post("/account/password/reset/confirm/", {"code": code_for(alice.email)})
        new = "a much better one"
        client.post("/account/password/reset/complete/", {"password1": new, "password2": new})
        assert sign_in(Client(), password=new)["Location"] == "/t/"

    def test_whoever_was_not_asked_yet_is_asked_on_the_way(self, client, alice):
        alice.settings = {}
        alice.save()
        assert sign_in(client)["Location"] == "/account/welcome/?next=%2Ft%2F"

    def test_signing_out_takes_a_post(self, client, alice):
        sign_in(client)
        client.get("/account/logout/")
        assert who(client) == alice.email
        client.post("/account/logout/")
        assert who(client) == ""


@pytest.mark.usefixtures("noon")
class TestSecondFactor:
    def test_a_password_alone_is_not_enough(self, client, alice):
        code = totp_for(alice)
        assert sign_in(client)["Location"] == "/account/2fa/authenticate/"
        assert who(client) == ""
        assert client.post("/account/2fa/authenticate/", {"code": "000000"}).status_code == 422
        client.post("/account/2fa/authenticate/", {"code": code})
        assert who(client) == alice.email

    def test_a_code_of_the_app_works_once(self, alice):
        code = totp_for(alice)
        for client, expected in ((Client(), alice.email), (Client(), "")):
            sign_in(client)
            client.post("/account/2fa/authenticate/", {"code": code})
            assert who(client) == expected

    def test_it_is_set_up_with_the_picture_and_a_code_and_gives_recovery_codes_once(self, client, alice):
        sign_in(client)
        assert client.get("/account/2fa/totp/activate/")["Location"].startswith("/account/reauthenticate/")
        prove(client)
        page = client.get("/account/2fa/totp/activate/").content.decode()
        secret = re.search(r'id="totp-secret"[^>]*>([A-Z2-7]+)<', page)
        assert secret
        code = shown_by_the_app(secret[1])
        shown = client.post("/account/2fa/totp/activate/", {"code": code}, follow=True).content.decode()
        codes = re.findall(r"<li><code>(\d{8})</code>", shown)
        assert len(codes) == 10
        assert codes[0] not in client.get("/account/2fa/recovery-codes/").content.decode()

        other = Client()
        sign_in(other)
        other.post("/account/2fa/authenticate/", {"code": codes[0]})
        assert who(other) == alice.email
        again = Client()
        sign_in(again)
        again.post("/account/2fa/authenticate/", {"code": codes[0]})
        assert who(again) == "", "a recovery code lets in once"

    def test_its_secret_is_not_in_the_database_in_clear(self, alice):
        totp.TOTP.activate(alice, "JBSWY3DPEHPK3PXP")
        codes = RecoveryCodes.activate(alice).get_unused_codes()
        kept = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert "JBSWY3DPEHPK3PXP" not in kept
        assert not any(code in kept for code in codes)

    def test_with_another_key_of_the_installation_no_code_fits(self, client, alice, settings):
        code = totp_for(alice)
        settings.SECRET_KEY = "another one"
        sign_in(client)
        for tried in (code, shown_by_the_app("")):
            client.post("/account/2fa/authenticate/", {"code": tried})
        assert who(client) == ""

    def test_a_team_may_ask_for_it(self, client, alice):
        bees = TeamFactory.create(name="Bees", requires_second_factor=True)
        join(bees, alice, "owner")
        sign_in(client)
        answer = client.get("/t/bees/usage")
        assert (answer.status_code, answer["Location"]) == (302, "/account/2fa/")
        assert client.post("/t/bees/settings", {"name": "Wasps"}).status_code == 403
        totp_for(alice)
        assert client.get("/t/bees/usage").status_code == 200


class TestSessions:
    def test_signing_in_changes_the_sessions_name_and_keeps_the_visitors_jobs(self, client, alice):
        session = client.session
        session["jobs"] = ["one-of-mine"]
        session.save()
        before = session.session_key
        client.cookies[settings.SESSION_COOKIE_NAME] = before
        sign_in(client)
        assert client.session.session_key != before
        assert client.session["jobs"] == ["one-of-mine"]
        assert not type(session)().exists(before), "a name that was foisted on somebody opens nothing"

    def test_they_are_listed_and_others_can_be_ended(self, client, alice):
        other = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
        sign_in(other)
        sign_in(client)
        assert "Firefox, Linux" in client.get("/account/sessions/").content.decode()
        client.post("/account/sessions/")
        assert who(other) == ""
        assert who(client) == alice.email

    def test_a_new_password_ends_the_others(self, client, alice):
        other = Client()
        sign_in(other)
        sign_in(client)
        new = "a much better one"
        client.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
        assert who(client) == alice.email
        assert who(other) == ""
        assert "was changed" in latest(alice.email)

    def test_the_cookie_is_for_the_browser_and_this_site_alone(self, client, alice):
        cookie = sign_in(client).cookies[settings.SESSION_COOKIE_NAME]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


class TestAddress:
    def test_it_is_changed_with_a_code_sent_to_the_new_one(self, client, alice):
        sign_in(client)
        prove(client)
        client.post("/account/email/", {"email": "new@example.com", "action_add": ""})
        alice.refresh_from_db()
        assert alice.email == "alice@example.com"
        client.post("/account/confirm-email/", {"code": code_for("new@example.com")})
        alice.refresh_from_db()
        assert alice.email == "new@example.com"
        assert "was changed from" in latest("alice@example.com")

    def test_mail_is_in_the_readers_language(self, client, alice):
        client.post("/account/login/code/?hl=zh-hans", {"email": alice.email})
        assert "你的登录验证码" in latest(alice.email)


OUTSIDE = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/x",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "ftp://evil.example",
    "http://testserver@evil.example",
    "http://testserver.evil.example",
    "http://evil.example/?x=testserver",
    "http://image.localhost/p/x",
    "http://[::1]@evil.example",
    "\x00//evil.example",
    "https://evil.example\\@testserver",
]


class TestWhereItLeads:
    @pytest.mark.parametrize("goal", OUTSIDE)
    def test_it_never_leads_off_this_site(self, client, alice, goal):
        answers = [sign_in(client, next=goal), client.post("/account/welcome/", {"visibility": "public", "next": goal})]
        answers += [client.post("/account/logout/", {"next": goal})]
        for answer in answers:
            assert answer.status_code == 302
            assert answer["Location"] in ("/t/", "/"), answer["Location"]

    def test_it_leads_to_where_one_was_going(self, client, alice):
        assert sign_in(client, next="/create?mode=text")["Location"] == "/create?mode=text"


class TestLimits:
    def test_at_most_ten_passwords_a_minute_are_tried_for_an_account(self, alice, monkeypatch, record_property):
        tried, began = [], time.monotonic()
        check = User.check_password
        monkeypatch.setattr(User, "check_password", lambda self, raw: tried.append(raw) or check(self, raw))
        for n in range(GUESSES):  # each from another address
            client = Client(REMOTE_ADDR=f"192.0.{n // 250 + 2}.{n % 250}")
            sign_in(client, password=f"guess {n}")
        minutes = 1 + (time.monotonic() - began) // 60
        record_property("figures", f"{GUESSES} guesses: {len(tried)} passwords looked at in {minutes:.0f} minutes")
        assert 0 < len(tried) <= 10 * minutes

    def test_at_most_ten_are_tried_from_an_address_whatever_it_claims_to_be(self, alice, monkeypatch):
        tried = []
        monkeypatch.setattr(User, "check_password", lambda self, raw: tried.append(raw) or False)
        for n in range(30):
            UserFactory.create(username=f"user{n}").emailaddress_set.create(
                email=f"user{n}@example.com", verified=True, primary=True
            )
            sign_in(Client(headers={"x-forwarded-for": f"198.51.100.{n}"}), f"user{n}@example.com", "guess")
        assert 0 < len(tried) <= 10

    def test_beyond_it_one_is_told_to_wait(self):
        client = Client()
        statuses = [client.post("/account/signup/", {"email": "x"}) for _ in range(11)]
        assert statuses[-1].status_code == 429
        assert statuses[-1]["Retry-After"] == "60"

    def test_codes_for_an_address_are_few(self, alice):
        for n in range(8):
            Client(REMOTE_ADDR=f"192.0.2.{n}").post("/account/login/code/", {"email": alice.email})
        assert len([each for each in mail.outbox if alice.email in each.to]) <= 3

    def test_without_redis_nobody_gets_in_and_is_told_so(self, client, alice, monkeypatch):
        def away(*args: Any, **options: Any) -> None:
            raise RedisError("away")

        monkeypatch.setattr("django.core.cache.cache.add", away)
        assert sign_in(client).status_code == 503


class TestForgery:
    def test_nothing_changes_without_the_forms_token(self, alice):
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        addresses = (
            "/account/",
            "/account/welcome/",
            "/account/logout/",
            "/account/email/",
            "/account/password/change/",
            "/account/sessions/",
            "/account/2fa/totp/activate/",
            "/account/2fa/totp/deactivate/",
            "/account/2fa/webauthn/add/",
            "/account/2fa/recovery-codes/generate/",
            "/account/3rdparty/",
            "/account/profile/",
            "/account/export",
            "/account/delete",
            "/teams/new",
            "/authorize",
            "/saved/take-over",
            "/explore/new",
            "/language",
            "/preferences",
        )
        for address in addresses:
            answer = client.post(address, {"email": "evil@example.com", "action_add": "", "language": "zh-hans"})
            assert answer.status_code == 403, address
        alice.refresh_from_db()
        assert alice.settings == {"visibility_asked": True}
        assert who(client) == alice.email


class TestPreferences:
    def test_they_are_kept_and_go_before_cookies(self, client, alice):
        sign_in(client)
        client.cookies["pollweb_theme"] = "light"
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
        kept = {"language": "zh-hans", "theme": "dark", "motion": "reduced", "visibility": "public"}
        assert client.post("/account/", {**kept, "first_name": "Alice"})["Location"] == "/account/"
        page = client.get("/").content.decode()
        assert '<html lang="zh-hans" data-theme="dark" data-motion="reduced"' in page
        assert Team.objects.get(person=alice).visibility == "public"

    def test_mail_comes_as_they_say_and_else_as_one_signed_in_last(self, client, alice):
        about = {"team": "bees", "tier": "nectar", "reason": "Welcome.", "verdict": "granted", "link": "/"}

        def subject() -> str:
            assert send("tier", [alice.email], about)
            return str(mail.outbox[-1].subject)

        client.post("/account/login/?hl=zh-hans", {"login": alice.email, "password": PASSWORD})
        assert subject() == "bees 现在是 nectar 套餐"
        client.post("/language", {"language": "en"})
        assert subject() == "bees is now in the tier nectar"

    def test_long_lists_and_captions_are_as_wished(self, client, alice):
        alice.settings = {**alice.settings, "captions": "always", "paging": "pages"}
        alice.save()
        sign_in(client)
        page = client.get("/")
        assert 'data-captions="always"' in page.content.decode()
        assert page.context["is_automatic"] is False

    def test_the_create_page_begins_as_ones_team_is(self, client, alice):
        sign_in(client)
        for visibility, ticked in (("private", False), ("public", True)):
            Team.objects.filter(person=alice).update(visibility=visibility)
            assert client.get("/create").context["form"].value("public") is ticked

    def test_the_switches_in_the_bar_change_them(self, client, alice):
        sign_in(client)
        client.post("/preferences", {"theme": "dark"})
        client.post("/language", {"language": "zh-hans"})
        alice.refresh_from_db()
        assert (alice.settings["theme"], alice.settings["language"]) == ("dark", "zh-hans")
        client.post("/preferences", {"theme": "system"})
        assert "data-theme" not in client.get("/").content.decode()

    def test_what_is_no_choice_is_refused(self, client, alice):
        sign_in(client)
        answer = client.post("/account/", {"theme": "plaid", "time_zone": "Mars/Olympus", "visibility": "public"})
        assert answer.status_code == 422


class TestBar:
    def test_a_visitor_is_asked_in_and_brought_back(self, client):
        page = client.get("/create?mode=text").content.decode()
        assert "/account/login/?next=%2Fcreate%3Fmode%3Dtext" in page

    def test_it_shows_ones_teams(self, client, alice):
        join(TeamFactory.create(name="Bees"), alice, "member")
        sign_in(client)
        page = client.get("/").content.decode()
        assert 'href="/t/bees/"' in page
        assert 'action="/account/logout/"' in page
