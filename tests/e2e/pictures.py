"""Pictures for a page to show."""

from urllib.parse import quote

from tests.site import Site, eventually


def paint(site: Site, prompt: str, seed: int = 1) -> str:
    """A new public picture's id."""
    assert site.ask(f"/image/prompt/{quote(prompt)}?width=128&height=128&seed={seed}").status == 200
    found: list[str] = []

    def is_told() -> bool:
        items = site.ask("/live/items.json").json()["items"]
        found.extend(item["href"].removeprefix("/p/") for item in reversed(items) if item["prompt"] == prompt)
        return bool(found)

    assert eventually(is_told, 20)
    return found[0]
