import pytest
from django.core.exceptions import ImproperlyConfigured

from pollweb.lib import env


def test_it_reads_a_secret_from_a_file(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.setenv("POLLWEB_X_FILE", str(tmp_path / "key"))
    assert env.text("POLLWEB_X") == "s3cret"


def test_it_names_the_variable_the_value_and_what_is_allowed(monkeypatch):
    monkeypatch.setenv("POLLWEB_X", "many")
    with pytest.raises(ImproperlyConfigured, match=r"POLLWEB_X is 'many'; allowed is a whole number from 1 to 9\."):
        env.number("POLLWEB_X", 3, least=1, most=9)
    with pytest.raises(ImproperlyConfigured, match="POLLWEB_X is 'many'; allowed are 1, true"):
        env.flag("POLLWEB_X")


def test_it_takes_nothing_for_not_set(monkeypatch):
    monkeypatch.setenv("POLLWEB_X", "  ")
    assert env.number("POLLWEB_X", 3) == 3
    assert env.base_url("POLLWEB_X", "http://a.example/b/") == "http://a.example/b"


def test_it_reads_hosts_with_their_ports(monkeypatch):
    monkeypatch.setenv("POLLWEB_X", "intranet.example:8080, [::1]:80")
    assert env.host_ports("POLLWEB_X") == ["intranet.example:8080", "[::1]:80"]
    for wrong in ("intranet.example", "http://a:80", "a:b", "::1:80"):
        monkeypatch.setenv("POLLWEB_X", wrong)
        with pytest.raises(ImproperlyConfigured, match="POLLWEB_X holds"):
            env.host_ports("POLLWEB_X")


def test_it_refuses_networks_that_are_none(monkeypatch):
    monkeypatch.setenv("POLLWEB_X", "10.0.0.0/8, ::1 192.168.0.7")
    assert env.networks("POLLWEB_X") == ["10.0.0.0/8", "::1", "192.168.0.7"]
    monkeypatch.setenv("POLLWEB_X", "10.0.0.0/8 proxy.example")
    with pytest.raises(ImproperlyConfigured, match=r"POLLWEB_X holds 'proxy\.example'; allowed are networks"):
        env.networks("POLLWEB_X")


@pytest.mark.parametrize(
    "good", ["redis://h", "rediss://u:p@h:1/2", "unix:///run/x.sock", "unix://:p@/run/x.sock?db=1"]
)
def test_it_reads_addresses_of_redis(good, monkeypatch):
    monkeypatch.setenv("POLLWEB_X", good)
    assert env.redis_url("POLLWEB_X", "redis://default") == good


@pytest.mark.parametrize(
    "wrong", ["localhost:6379", "redis://", "unix://", "http://h:1", "redis://:s3cret@h:port", "s3cret"]
)
def test_it_refuses_other_addresses_and_does_not_tell_a_password(wrong, monkeypatch):
    monkeypatch.setenv("POLLWEB_X", wrong)
    with pytest.raises(ImproperlyConfigured, match=r"POLLWEB_X is .*; allowed are redis://") as refused:
        env.redis_url("POLLWEB_X", "redis://default")
    assert "s3cret" not in str(refused.value)
