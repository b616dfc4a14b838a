"""What the lane reads from a request."""

import pytest
from django.test import RequestFactory, override_settings

from pollweb.lib import http
from pollweb.lib.errors import BadRequest
from pollweb.lib.http import reading


def with_body(body: bytes):
    return RequestFactory().post("/", data=body, content_type="application/json")


def test_it_reads_a_json_object() -> None:
    assert http.json_body(with_body(b'{"a": [1, -9223372036854775808, 1e30, "\\\\u0000"]}')) == {
        "a": [1, -(2**63), 1e30, "\\u0000"]
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b"null",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e400}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"a":{"\\u0000":1}}',
        b'{"a":9223372036854775808}',
        b'{"a":[-9223372036854775809]}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        b"[" * 100_000,
        b'{"a":[' + b"1," * 500_000 + b"1]}",
    ],
    ids=lambda body: body[:20],
)
def test_it_refuses_json_that_readers_disagree_about(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        http.json_body(with_body(body))
    assert caught.value.code == "invalid_json"


def test_it_takes_64_levels() -> None:
    assert http.json_body(with_body(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"))


def test_large_numbers_cost_one_further_reading_however_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(reading, "_check_integers", read.append)
    body = b'{"a":[' + b"1e30," * 1000 + b"1e30]}"
    http.json_body(with_body(body))
    assert read == [body]


def test_it_reads_a_query_strictly() -> None:
    fields = http.query(RequestFactory().get("/?model=flux&seed=&a=1&a=2&p=%E4%BD%A0+%2B"))
    assert (fields["model"], fields["seed"], fields.getlist("a"), fields["p"]) == ("flux", "", ["1", "2"], "你 +")
    for bad in ("?a=%ff", "?a=%00", "?%00=a", "?" + "a&" * 1001):
        with pytest.raises(BadRequest):
            http.query(RequestFactory().get(f"/{bad}"))


def asking(peer: str, forwarded: str = ""):
    extra = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    return RequestFactory().get("/", REMOTE_ADDR=peer, **extra)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", "", "9.9.9.9"),
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, nonsense, 10.0.0.2", "10.0.0.2"),
        ("::ffff:10.0.0.1", "2001:DB8::0001", "2001:db8::1"),
        ("", "1.1.1.1", "1.1.1.1"),
        ("", "", "0.0.0.0"),
    ],
)
@override_settings(TRUSTED_PROXIES=["10.0.0.0/8"])
def test_it_believes_only_trusted_proxies(peer: str, forwarded: str, address: str) -> None:
    assert http.client_address(asking(peer, forwarded)) == address


def test_it_believes_nobody_unless_told() -> None:
    assert http.client_address(asking("127.0.0.1", "1.1.1.1")) == "127.0.0.1"


def test_it_groups_and_shortens_addresses() -> None:
    assert http.network_of("1.2.3.4") == "1.2.3.4"
    assert http.network_of("2001:db8:1:2:3:4:5:6") == http.network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert http.shortened("1.2.3.4") == "1.2.3"
    assert http.shortened("2001:db8::9") == "2001:0db8:0000:0000"
