"""/docs/react: a page that says the same without scripts, and what its app needs."""

import html
import json
import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

TEXTS = Path(settings.ROOT) / "clients" / "react" / "example" / "src" / "texts.ts"


def test_it_shows_the_code_without_scripts(client, db):
    content = client.get("/docs/react").content.decode()
    said = html.unescape(re.sub(r"<[^>]+>", "", content))
    for words in (f'baseUrl="{settings.SITE_URL}"', "useImage(prompt", "useText(question", "useChat()", "useFeed("):
        assert words in said


def test_every_file_that_it_loads_is_there(client, db):
    loaded = re.findall(r'"/static/[0-9a-f]+/(react/[^"]+)"', client.get("/docs/react").content.decode())
    assert sorted(Path(name).suffix for name in loaded) == [".css", ".js"]
    assert all(finders.find(name) for name in loaded)


def test_the_app_is_given_all_its_words_in_the_readers_language(client, db):
    content = client.get("/docs/react", headers={"Accept-Language": "zh-CN"}).content.decode()
    texts = json.loads(html.unescape(re.search(r'data-texts="([^"]+)"', content)[1]))
    english = dict(re.findall(r'^  (\w+): "(.+)",$', TEXTS.read_text(encoding="utf-8"), re.M))
    assert texts.keys() == english.keys()
    assert [name for name in texts if texts[name] == english[name]] == []
    plain = client.get("/docs/react").content.decode()
    assert json.loads(html.unescape(re.search(r'data-texts="([^"]+)"', plain)[1])) == english
