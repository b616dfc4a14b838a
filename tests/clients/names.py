"""The public service's names, on this machine and for one program only: by its environment, with nothing in it changed.

A program that goes through this proxy reaches a started pollweb at `https://image.pollinations.ai` and its sisters, as
it would in a network whose resolver and certificate authority are the operator's own. No other name leads anywhere.
"""

import asyncio
import json
import re
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

NAMES = ("pollinations.ai", "image.pollinations.ai", "text.pollinations.ai", "gen.pollinations.ai")
CHUNK = 65_536
END = b"\r\n\r\n"  # of a request's first lines


def _certified(
    name: str, of: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None, *hosts: str
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate and its key: an authority's own, or one of that authority for `hosts`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, signer = (of[0].subject, of[1]) if of else (subject, key)
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not of, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=bool(of), key_cert_sign=not of, crl_sign=not of, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, SHA256()), key


class Names:
    """A CONNECT proxy that leads NAMES to `port` of this machine; `environment` is how a program is sent through it.

    One client asks, before it does anything, whether an index has a newer version of it: it hears of `newest`.
    """

    def __init__(self, folder: Path, port: int, newest: str) -> None:
        self._folder = folder
        self._port = port
        self._newest = newest
        self._authority = _certified("tests", None)
        self._trust = folder / "authority.pem"
        self._trust.write_bytes(self._authority[0].public_bytes(Encoding.PEM))
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result(10)

    @property
    def environment(self) -> dict[str, str]:
        trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}",
            "NODE_USE_ENV_PROXY": "1",
            **dict.fromkeys(trust, str(self._trust)),
        }

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = re.match(rb"CONNECT ([a-z0-9.-]+):443 ", await reader.readuntil(END))
            if not asked:
                writer.write(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
                return
            host = asked[1].decode()
            writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            await writer.start_tls(self._context(host))
            await (self._lead(reader, writer) if host in NAMES else self._answer(reader, writer))
        except (OSError, asyncio.IncompleteReadError):  # the program hung up, as it may at any time
            pass
        finally:
            writer.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here, there = await asyncio.open_connection("127.0.0.1", self._port)
        ways = [asyncio.ensure_future(_copy(reader, there)), asyncio.ensure_future(_copy(here, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        there.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """For every other name: nothing is there but the number of the newest version."""
        asked = re.match(rb"GET /pypi/[a-z-]+/json ", await reader.readuntil(END))
        body = json.dumps({"info": {"version": self._newest}} if asked else {}).encode()
        status = b"200 OK" if asked else b"404 Not Found"
        writer.write(b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()

    def _context(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            certificate, key = _certified(host, self._authority, host)
            file = self._folder / f"{host}.pem"
            file.write_bytes(
                certificate.public_bytes(Encoding.PEM)
                + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file)
            self._contexts[host] = context
        return self._contexts[host]


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()
