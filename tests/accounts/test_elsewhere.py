"""Signing in with an account elsewhere: a small OpenID Connect provider on this machine plays the other site."""

import html
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from pollweb import config
from pollweb.accounts.models import Team, User
from tests.accounts.mailbox import code_for
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWK = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "1", "use": "sig", "alg": "RS256"}


class Provider:
    """What it says of whoever signs in there is `person`; `broken` makes it refuse to give tokens."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "42", "email": "dora@example.com", "email_verified": True, "name": "Dora"}
        self.broken = False
        self.asked: list[dict[str, list[str]]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                at = provider.address
                pages = {
                    "/.well-known/openid-configuration": {
                        "issuer": at,
                        "authorization_endpoint": f"{at}/authorize",
                        "token_endpoint": f"{at}/token",
                        "userinfo_endpoint": f"{at}/me",
                        "jwks_uri": f"{at}/keys",
                    },
                    "/keys": {"keys": [JWK]},
                    "/me": provider.person,
                }
                self.answer(200, pages[urlsplit(self.path).path])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.asked.append(parse_qs(body))
                if provider.broken:
                    self.answer(400, {"error": "invalid_grant"})
                    return
                now = int(time.time())
                claims = {"iss": provider.address, "aud": "pollweb", "iat": now, "exp": now + 60, **provider.person}
                token = jwt.encode(claims, KEY, "RS256", headers={"kid": "1"})
                self.answer(200, {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})

            def answer(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    provider = Provider()
    settings.SOCIALACCOUNT_PROVIDERS = config.sign_in_providers(
        github=("", ""),
        google=("", ""),
        oidc=("pollweb", "s3cret"),
        oidc_issuer=provider.address,
        oidc_name="Company",
    )
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


def leave(client: Client, process: str = "login") -> dict[str, list[str]]:
    """Press the button; what the address at the provider, to which one is taken, asks there."""
    page = client.post(f"/account/oidc/sso/login/?process={process}")
    assert page.status_code == 200, "a form may lead to ourselves only, so a page leads on"
    address = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.content.decode())
    assert address
    return parse_qs(urlsplit(html.unescape(address[1])).query)


def come_back(client: Client, asked: dict[str, list[str]], **other: str) -> Any:
    return client.get("/account/oidc/sso/login/callback/", {"code": "c", "state": asked["state"][0], **other})


def test_the_page_offers_it_by_name(client, provider):
    assert "Continue with Company" in client.get("/account/login/").content.decode()


def test_whoever_is_new_gets_an_account_and_a_team_of_one(client, provider):
    asked = leave(client)
    assert asked["code_challenge_method"] == ["S256"]
    assert come_back(client, asked)["Location"].startswith("/account/welcome/")
    dora = User.objects.get(email="dora@example.com")
    assert dora.emailaddress_set.get().verified
    assert Team.objects.filter(person=dora).count() == 1
    assert "code_verifier" in provider.asked[0]


def test_the_next_time_it_is_the_same_account(client, provider):
    for visitor in (client, Client()):
        come_back(visitor, leave(visitor))
        assert visitor.get("/account/").status_code == 200
    assert User.objects.count() == 1


def test_an_address_that_the_provider_has_not_checked_is_confirmed_by_a_code(client, provider):
    provider.person["email_verified"] = False
    come_back(client, leave(client))
    assert client.get("/account/").status_code == 302
    client.post("/account/confirm-email/", {"code": code_for("dora@example.com")})
    assert client.get("/account/").status_code == 200


def test_it_takes_over_nobodys_account(client, provider):
    dora = UserFactory.create(username="dora", email="dora@example.com")
    dora.emailaddress_set.create(email=dora.email, verified=True, primary=True)
    come_back(client, leave(client))
    assert client.get("/account/").status_code == 302
    assert not dora.socialaccount_set.exists()


def test_somebody_elses_answer_is_refused(client, provider):
    asked = leave(Client())
    come_back(client, asked)
    assert client.get("/account/").status_code == 302
    assert not User.objects.exists()


def test_what_the_provider_breaks_is_a_page_that_says_so(client, provider):
    provider.broken = True
    answer = come_back(client, leave(client))
    assert answer.status_code < 500
    assert "That did not work" in answer.content.decode()


def test_it_can_be_connected_and_removed(client, provider):
    alice = UserFactory.create(username="alice", settings={"visibility_asked": True})
    alice.emailaddress_set.create(email=alice.email, verified=True, primary=True)
    client.post("/account/login/", {"login": alice.email, "password": "correct horse battery"})
    client.post("/account/reauthenticate/", {"password": "correct horse battery"})
    come_back(client, leave(client, "connect"))
    connected = alice.socialaccount_set.get()
    assert "Company" in client.get("/account/3rdparty/").content.decode()
    client.post("/account/3rdparty/", {"account": connected.pk})
    assert not alice.socialaccount_set.exists()


@pytest.mark.parametrize("address", ["/account/github/login/", "/account/google/login/", "/account/oidc/other/login/"])
def test_what_the_operator_has_not_set_up_is_not_there(client, address):
    assert client.post(address).status_code == 404
    assert client.get(f"{address}callback/").status_code == 404


def test_half_a_setting_stops_the_start():
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured, match="POLLWEB_GITHUB_SECRET"):
        config.sign_in_providers(github=("id", ""), google=("", ""), oidc=("", ""), oidc_issuer="", oidc_name="")
