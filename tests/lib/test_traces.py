"""One trace from the door to the worker and the upstream, as a collector hears it; without a collector none."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pollweb.lib import traces
from tests.site import Site, end, eventually
from tests.test_recovery import token_of
from tests.upstream import ScriptedUpstream

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TOML = """
[providers.behind]
kind = "openai"
base_url = "{url}/v1"
[models.image.turbo]
from = [{{ provider = "behind", model = "m" }}]
[models.text.openai]
from = [{{ provider = "behind", model = "m" }}]
"""


class Collector:
    """What was exported to it: spans as OTLP has them, with their process."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        collector = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

                data = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    for told in ExportTraceServiceRequest.FromString(data).resource_spans:
                        process = attributes(told.resource)["pollweb.process"]
                        collector.spans += [(process, span) for scope in told.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def of(self, trace: str) -> dict[str, Any]:
        return {span.name: span for _, span in self.spans if span.trace_id.hex() == trace}


def attributes(of: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    pytest.importorskip("opentelemetry.proto", reason="the packages of requirements-traces.txt are not here")
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def traced(collector: Collector, settings: Any) -> Iterator[Collector]:
    settings.TRACES_URL = collector.url
    traces.start("test")
    yield collector
    traces.stop()


def test_without_a_collector_there_are_no_spans_and_no_exporter() -> None:
    with traces.span("request", kind="image") as span:
        span.set(status=200)
        assert (span, traces.carried()) == (traces.NOTHING, "")
    loaded = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup();"
        "from pollweb.lib import traces; traces.start('web'); traces.span('request');"
        "sys.exit(any(name.startswith('opentelemetry.exporter') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0


def test_what_goes_wrong_is_told_by_its_kind_alone(traced: Collector) -> None:
    with pytest.raises(ValueError, match="secret"), traces.span("attempt"):
        raise ValueError("a secret wish")
    traces.stop()
    ((_, span),) = traced.spans
    assert attributes(span) == {"error.type": "ValueError"}
    assert b"secret" not in span.SerializeToString()


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        f"00-{'0' * 32}-{CALLER}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{CALLER}-01",
        f"00-{TRACE}-{CALLER}-01x",
    ],
)
def test_a_traceparent_that_is_none_begins_a_trace(traced: Collector, parent: str) -> None:
    with traces.span("request", parent=parent):
        assert TRACE not in traces.carried()
        assert int(traces.carried()[-2:], 16) & 1, "it is sampled"


def test_a_caller_that_is_not_sampled_is_not_told(traced: Collector) -> None:
    with traces.span("request", parent=f"00-{TRACE}-{CALLER}-00"):
        assert traces.carried().startswith(f"00-{TRACE}-")
        assert traces.carried().endswith("-00")
    traces.stop()
    assert not traced.spans


def test_a_collector_that_is_away_holds_nobody_up(settings: Any) -> None:
    pytest.importorskip("opentelemetry.proto")
    settings.TRACES_URL = "http://127.0.0.1:9"
    traces.start("test")
    began = time.monotonic()
    with traces.span("request"):
        pass
    assert time.monotonic() - began < 0.5
    traces.stop()
    assert time.monotonic() - began < traces.LAST_SECONDS + 1


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_one_request_is_one_trace_from_the_door_to_the_worker_and_the_upstream(
    collector: Collector, tmp_path: Path
) -> None:
    with ScriptedUpstream() as upstream:
        (tmp_path / "pollweb.toml").write_text(TOML.format(url=upstream.url))
        site = Site(tmp_path, POLLWEB_TRACES=collector.url, OTEL_BSP_SCHEDULE_DELAY="200")
        try:
            token = token_of(site.ready())
            known = {"Authorization": f"Bearer {token}", "traceparent": f"00-{TRACE}-{CALLER}-01"}
            answer = site.ask("/image/prompt/a%20purple%20wish?model=turbo&width=64&height=64", **known)
            assert answer.status == 200
            body = {"model": "openai", "messages": [{"role": "user", "content": "a purple wish"}]}
            relayed = site.ask("/v1/chat/completions", "POST", body, Authorization=known["Authorization"])
            names = {"request", "line", "job", "attempt"}
            assert eventually(lambda: set(collector.of(TRACE)) == names, 30), collector.spans
            page = site.ask("/about", traceparent=f"00-{'a' * 32}-{CALLER}-01")
            assert eventually(lambda: set(collector.of("a" * 32)) == {"request"}, 30), collector.spans
            drawn, told = upstream.calls
            chat = told.headers["traceparent"].split("-")[1]
            assert eventually(lambda: set(collector.of(chat)) == {"request", "line", "attempt"}, 30), collector.spans
        finally:
            site.stop()
            end(site)
    found = collector.of(TRACE)
    above = {name: span.parent_span_id.hex() for name, span in found.items()}
    here = {name: span.span_id.hex() for name, span in found.items()}
    assert above == {"request": CALLER, "line": here["request"], "job": here["request"], "attempt": here["job"]}
    assert drawn.headers["traceparent"] == f"00-{TRACE}-{here['attempt']}-01"
    door, job = attributes(found["request"]), attributes(found["job"])
    assert (door["pollweb.status"], door["pollweb.face"]) == (200, "image")
    assert door["pollweb.request_id"] == job["pollweb.request_id"] == answer.headers["x-request-id"]
    assert {process for process, _ in collector.spans} == {"web", "worker"}
    assert relayed.status == page.status == 200
    about = {
        "method": "GET",
        "face": "site",
        "route": "about",
        "status": 200,
        "request_id": page.headers["x-request-id"],
    }
    assert attributes(collector.of("a" * 32)["request"]) == {f"pollweb.{name}": value for name, value in about.items()}
    everything = json.dumps([attributes(span) for _, span in collector.spans])
    for secret in ("purple", token, "127.0.0", "localhost"):
        assert secret not in everything
