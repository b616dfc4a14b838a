"""Readers of server-sent events that others wrote, against the feeds with and without ids (decision 0010)."""

import json
from collections.abc import Callable
from itertools import islice

import pytest
import requests
import sseclient

from tests.site import Site


@pytest.fixture(scope="module", autouse=True)
def pictures(site: Site, token: str) -> None:
    for seed in range(2):
        path = f"/image/prompt/boat?width=64&height=64&model=turbo&seed={seed}"
        assert site.ask(path, Authorization=f"Bearer {token}").status == 200


@pytest.mark.parametrize(("query", "has_ids"), [("", False), ("?last_event_id=", True)])
def test_sseclient_reads_the_bare_feed_and_the_one_with_ids(site: Site, query: str, has_ids: bool) -> None:
    with requests.get(f"{site.address}/image/feed{query}", stream=True, timeout=60) as response:
        for event in islice(sseclient.SSEClient(response).events(), 2):
            assert json.loads(event.data)["status"] == "end_generating"
            assert bool(event.id) == has_ids


def test_readers_in_javascript_read_both(node: Callable[..., None]) -> None:
    node("events.test.js")
