"""The style guide draws every component by the templates of the pages, in both themes and languages."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.factories import UserFactory

# Drawn by every page's frame, or filled by scripts in pages that have tests of their own.
ELSEWHERE = {
    "board_styles",
    "account_menu",
    "foot_links",
    "item_dialog",
    "language_switch",
    "mark",
    "search_box",
    "sections",
    "theme_choice",
    "theme_switch",
}


@pytest.fixture
def operator(client, db):
    client.force_login(UserFactory.create(is_staff=True))


def test_it_is_there_for_operators_only(client, db):
    assert client.get("/staff/styleguide").status_code == 302
    client.force_login(UserFactory.create())
    assert client.get("/staff/styleguide").status_code == 404


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("language", "heading"), [("en", "Style guide"), ("zh-hans", "样式指南")])
def test_it_is_drawn_in_both_themes_and_languages(client, operator, theme, language, heading):
    content = client.get(f"/staff/styleguide?theme={theme}&hl={language}").content.decode()
    assert f'data-theme="{theme}"' in content
    assert f"<h1>{heading}</h1>" in content


def test_no_component_is_forgotten(client, operator):
    drawn = {template.name for template in client.get("/staff/styleguide").templates}
    components = Path(settings.ROOT) / "templates" / "components"
    all_of_them = {path.stem for path in components.glob("*.html")} - ELSEWHERE
    assert sorted(name for name in all_of_them if f"components/{name}.html" not in drawn) == []


def test_what_it_shows_is_stored_nowhere(client, operator, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        client.get("/staff/styleguide")
