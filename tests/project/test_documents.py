"""What the documents name is there: links, commands, files; and what is shipped from others is named."""

import re
import tomllib
from pathlib import Path

import pytest
from django.core.management import get_commands

from pollweb import config

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
SHIPPED_FROM_OTHERS = (
    "static/fonts/*.woff2",
    "generation/label/*.woff2",
    "static/vendor/*",
    "generation/providers/local/painter/data/*.json",
    "generation/providers/local/speech/data/*.bin",
    "generation/providers/local/speech/data/phonemes.json",
    "tests/guide/guide.zh.txt",
)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@EACH_PAGE
def test_its_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", text_of(page)):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there."


@EACH_PAGE
def test_the_commands_it_names_exist(page):
    known = set(re.findall(r"^([a-z0-9-]+):", text_of(ROOT / "Makefile"), re.M))
    made = set(re.findall(r"(?:^|`)make ([a-z][a-z0-9-]*)", text_of(page), re.M))
    assert made <= known, f"{page.name} names make {', '.join(sorted(made - known))}."
    managed = set(re.findall(r"manage\.py ([a-z]+)", text_of(page)))
    assert managed <= get_commands().keys(), (
        f"{page.name} names manage.py {', '.join(managed - get_commands().keys())}."
    )


@EACH_PAGE
def test_the_sources_it_names_exist(page):
    folders = r"(?:pollweb|generation|feeds|tests|scripts|static|templates|docs)"
    for path in re.findall(rf"`({folders}/[\w./-]*\w/?)`", text_of(page)):
        assert (ROOT / path).exists(), f"{page.name} names {path}, which is not there."


@EACH_PAGE
def test_its_configuration_is_valid(page):
    for block in re.findall(r"^```toml\n(.*?)^```$", text_of(page), re.M | re.S):
        config.parse(tomllib.loads(block), page.name)


def test_every_decision_is_listed():
    listed = text_of(ROOT / "docs" / "decisions" / "README.md")
    for page in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert f"({page.name})" in listed, f"docs/decisions/README.md does not list {page.name}."


def test_whatever_is_shipped_from_others_is_named():
    named = re.findall(r"`([\w./*-]+/[\w./*-]+)`", text_of(ROOT / "THIRD_PARTY.md"))
    for pattern in SHIPPED_FROM_OTHERS:
        files = list(ROOT.glob(pattern))
        assert files, f"nothing is at {pattern} any more"
        for file in files:
            path = file.relative_to(ROOT)
            assert any(path.match(name) for name in named), f"THIRD_PARTY.md does not name {path}."


def test_every_model_file_is_named_with_its_licence():
    rows = text_of(ROOT / "THIRD_PARTY.md").splitlines()
    manifest = tomllib.loads(text_of(ROOT / "generation" / "model_files" / "manifest.toml"))
    for file in manifest["file"]:
        assert any(f"`{file['name']}`" in row and file["licence"] in row for row in rows), (
            f"THIRD_PARTY.md does not name {file['name']} with {file['licence']}."
        )
