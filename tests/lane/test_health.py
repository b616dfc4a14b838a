"""What an operator asks."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import ConnectionError as RedisConnectionError

from pollweb import health


@pytest.mark.django_db(transaction=True)
async def test_it_is_ready_when_all_parts_are(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["parts"] == {"database": "ok", "redis": "ok", "media": "ok", "serving": "ok"}


@pytest.mark.django_db(transaction=True)
async def test_it_names_the_part_that_is_away(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    async def away() -> None:
        raise RedisConnectionError("secret address")

    (tmp_path / "file").write_text("in the way")
    settings.MEDIA_FOLDER = tmp_path / "file"
    monkeypatch.setattr(health, "_redis", away)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {
        "database": "ok",
        "redis": "failed: ConnectionError",
        "media": "failed: FileExistsError",
        "serving": "ok",
    }


@pytest.mark.django_db(transaction=True)
async def test_it_is_not_ready_while_it_drains(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "draining", True)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["serving"]) == (503, "draining")
    assert (await client.get("/healthz")).status_code == 200


async def test_it_shows_figures_that_a_scraper_reads(client: httpx.AsyncClient) -> None:
    await client.get("/auth/nowhere")
    answer = await client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    counted = {
        (sample.labels["face"], sample.labels["status"]): sample.value
        for sample in families["pollweb_requests"].samples
    }
    assert counted["auth", "404"] >= 1
    (running,) = families["pollweb_requests_in_flight"].samples
    assert running.value == 1  # this very request
    assert families["pollweb_loop_lag_seconds"].samples
    bounds = [
        sample.value
        for sample in families["pollweb_request_seconds"].samples
        if sample.name.endswith("_bucket") and sample.labels["face"] == "auth" and sample.labels["status"] == "404"
    ]
    assert bounds == sorted(bounds)
    assert bounds[-1] == counted["auth", "404"]


async def test_it_shows_them_to_this_machine_only(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 200
    assert (await client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})).status_code == 403
    from pollweb.asgi import application

    far = httpx.ASGITransport(application, client=("9.9.9.9", 1))
    async with httpx.AsyncClient(transport=far, base_url="http://localhost:8000") as stranger:
        assert (await stranger.get("/metrics")).status_code == 403


async def test_it_shows_them_to_whoever_has_the_operators_token(client: httpx.AsyncClient, settings: Any) -> None:
    settings.METRICS_TOKEN = "open sesame"
    assert (await client.get("/metrics")).status_code == 403
    assert (await client.get("/metrics", headers={"Authorization": "Bearer open sesame"})).status_code == 200
