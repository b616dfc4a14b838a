"""The guide's feed in a browser's own EventSource, with and without ids (decision 0010)."""

import pytest

HEAR = """address => new Promise((resolve, reject) => {
  const source = new EventSource(address);
  source.onerror = () => reject(new Error("broken"));
  source.onmessage = ({ data, lastEventId }) => {
    source.close();
    resolve({ prompt: JSON.parse(data).prompt, id: lastEventId });
  };
})"""


@pytest.mark.parametrize(("query", "has_id"), [("", False), ("&last_event_id=", True)])
def test_a_browser_reads_the_feed_with_and_without_ids(site, visit, query, has_id):
    assert site.ask("/image/prompt/a%20boat%20to%20hear%20of?width=64&height=64").status == 200
    page = visit("/about")
    heard = page.evaluate(HEAR, f"/image/feed?past_results=1{query}")
    assert heard["prompt"]
    assert bool(heard["id"]) == has_id
