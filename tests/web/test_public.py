"""Pages at well-known places."""

import html
import re
from xml.etree import ElementTree

import httpx
import pytest
from django.conf import settings

from pollweb import config
from pollweb.asgi import application

URL = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("path", ["/about", "/labels", "/models", "/status", "/docs/reference"])
def test_it_is_there_in_both_languages(client, path, language):
    page = client.get(path, {"hl": language}).content.decode()
    assert f'<html lang="{language}"' in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("mark", "setting"), [("A word on each tile", {"ai_label": True}), ("The site's logo", {"logo": "logo.png"})]
)
def test_the_page_of_labels_says_which_marks_are_on(client, settings, mark, setting):
    def says() -> list[str]:
        page = client.get("/labels").content.decode()
        (row,) = [each for each in page.split("<tr>") if mark in html.unescape(each)]
        return re.findall(r"<td>(on|off)</td>", row)

    base = settings.DESIGN.site.model_copy(update={"ai_label": False, "logo": ""})
    settings.DESIGN = settings.DESIGN.model_copy(update={"site": base})
    assert says() == ["off"]
    settings.DESIGN = settings.DESIGN.model_copy(update={"site": base.model_copy(update=setting)})
    assert says() == ["on"]


@pytest.mark.django_db
def test_the_page_of_labels_tells_of_chinas_block(client, settings):
    def says() -> list[str]:
        (row,) = [each for each in client.get("/labels").content.decode().split("<tr>") if "TC260:AIGC" in each]
        return re.findall(r"<td>(on|off)</td>", row)

    assert says() == ["off"]
    marking = settings.DESIGN.marking.model_copy(update={"producer": "alice"})
    settings.DESIGN = settings.DESIGN.model_copy(update={"marking": marking})
    assert says() == ["on"]


@pytest.mark.django_db
def test_the_page_of_labels_tells_the_words_in_pictures(client, settings):
    def says() -> str:
        page = html.unescape(client.get("/labels").content.decode())
        (row,) = [each for each in page.split("<tr>") if "A label in the picture" in each]
        return row

    assert "<td>off</td>" in says()
    marking = settings.DESIGN.marking.model_copy(update={"label": "AI 生成"})
    settings.DESIGN = settings.DESIGN.model_copy(update={"marking": marking})
    assert "“AI 生成”" in says()
    assert "<td>on</td>" in says()


@pytest.mark.django_db
def test_the_map_lists_pages_and_public_items_only(client, make):
    public = make("image", "a fox")
    private = make("image", "a secret", visibility="private")
    root = ElementTree.fromstring(client.get("/sitemap.xml").content)
    addresses = [each.find(f"{URL}loc").text for each in root]
    assert f"{settings.SITE_URL}/p/{public.public_id}" in addresses
    assert f"{settings.SITE_URL}/p/{private.public_id}" not in addresses
    assert len(set(addresses)) == len(addresses)
    for address in addresses:
        assert client.get(address.removeprefix(settings.SITE_URL)).status_code == 200, address


@pytest.mark.django_db
def test_crawlers_are_told_of_the_map(client):
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in client.get("/robots.txt").content.decode()


@pytest.mark.django_db
def test_whom_to_tell_of_a_weakness_is_said_where_the_operator_says_it(client, monkeypatch):
    assert client.get("/.well-known/security.txt").status_code == 404
    site = settings.DESIGN.site.model_copy(update={"contact": "alice@example.org"})
    monkeypatch.setattr(settings, "DESIGN", settings.DESIGN.model_copy(update={"site": site}))
    text = client.get("/.well-known/security.txt").content.decode()
    assert "Contact: mailto:alice@example.org\n" in text
    assert "\nExpires: " in text
    assert "mailto:alice@example.org" in client.get("/about").content.decode()


@pytest.mark.parametrize("contact", ["alice@example.org", "https://example.org/security", "tel:+1-201-555-0123", ""])
def test_a_contact_is_a_mail_address_or_a_uri(contact):
    assert config.parse({"site": {"contact": contact}}, "a test").site.contact == contact


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "alice", "a b@example.org"])
def test_anything_else_is_refused(contact):
    with pytest.raises(Exception, match="contact"):
        config.parse({"site": {"contact": contact}}, "a test")


@pytest.mark.django_db
async def test_programs_are_told_the_marks_as_the_page_tells_them(settings):
    async def told() -> dict[str, dict]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=settings.SITE_URL) as client:
            answer = await client.get("/labels.json", headers={"Accept-Language": "zh-CN"})
        assert answer.status_code == 200
        return {each["id"]: each for each in answer.json()["marks"]}

    before = await told()
    assert before["digital_source_type"]["on"]
    assert before["digital_source_type"]["name"] == "XMP DigitalSourceType"
    assert before["aigc_in_sound"] == {
        "id": "aigc_in_sound",
        "name": "ID3, Vorbis, RIFF AIGC",
        "where": "in the file of each sound: the same; AAC and PCM have no place for it",
        "on": False,
        "words": None,
    }
    said = settings.DESIGN.marking.model_copy(update={"producer": "alice", "label": "AI 生成"})
    settings.DESIGN = settings.DESIGN.model_copy(update={"marking": said})
    after = await told()
    assert {name for name in after if after[name]["on"] != before[name]["on"]} == {
        "aigc_in_pictures",
        "aigc_in_sound",
        "label",
    }
    assert after["label"]["words"] == "AI 生成"
