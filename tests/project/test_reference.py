"""The OpenAPI document tells of every address that is served, and of none that is not."""

import re

import pytest
from django.conf import settings
from django.urls import URLResolver
from django.urls.resolvers import RegexPattern
from openapi_spec_validator import OpenAPIV31SpecValidator

from pollweb import api_urls, hosts, reference
from tests.generation.api.conftest import client as api_client  # noqa: F401

WORDS = {"number": "0", "pk": "7", "variant": "card", "prompt": "a%20boat", "name": "openai"}


@pytest.fixture(scope="module")
def document():
    return reference.document()


def view_at(path: str):
    """The view that answers this path of the site's host."""
    face, prefix = hosts.choose("site", path)
    table = URLResolver(RegexPattern(r"^/"), api_urls.TABLES[face])
    return table.resolve(path[len(prefix) :] or "/").func


def test_it_is_valid(document):
    OpenAPIV31SpecValidator(document).validate()


def test_every_address_of_the_api_is_in_it(document):
    """A view without an Operation in its package's reference.py fails here."""
    for route in reference.routes():
        assert route.path in document["paths"], f"{route.path} is not in the reference"
        told = {method.upper() for method in document["paths"][route.path]}
        for method in set(getattr(route.view, "methods", told)) - {"HEAD"}:
            assert method in told, f"{method} {route.path} is not in the reference"
        assert told <= set(getattr(route.view, "methods", told))


def test_every_address_in_it_is_served_as_it_says(document):
    for route in reference.routes():
        path = re.sub(r"\{(\w+)\}", lambda match: WORDS.get(match[1], "x"), route.path)
        assert view_at(path) is route.view, f"{route.path} leads elsewhere"


def test_every_parameter_of_a_path_is_described(document):
    for path, methods in document["paths"].items():
        for operation in methods.values():
            told = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert told == set(re.findall(r"\{(\w+)\}", path))


def test_every_operation_is_named_once_and_says_what_it_does(document):
    every = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({each["operationId"] for each in every}) == len(every)
    known = {tag["name"] for tag in document["tags"]}
    assert all(each["summary"] and set(each["tags"]) <= known for each in every)


def test_every_refusal_names_its_codes_and_has_the_shape_of_its_face(document):
    shapes = {
        "/prompt/{prompt}": "ImageError",
        "/text/{prompt}": "Error",
        "/v1/chat/completions": "OpenAIError",
        "/v1/messages": "AnthropicError",
    }
    for path, shape in shapes.items():
        for operation in document["paths"][path].values():
            refusals = {s: a for s, a in operation["responses"].items() if s >= "400"}
            assert {"400", "405", "429", "500", "503"} <= refusals.keys()
            for answer in refusals.values():
                assert "Codes: `" in answer["description"]
                assert answer["content"]["application/json"]["schema"]["$ref"].endswith(f"/{shape}")


def test_the_parameters_that_the_guide_of_the_api_explains_are_in_it(document):
    """The tables of docs/api.md below GET /prompt/{prompt} and GET /text/{prompt}."""
    page = reference.API_PAGE.read_text(encoding="utf-8")
    for path, address in (
        ("/prompt/{prompt}", "### GET /prompt/{prompt}"),
        ("/text/{prompt}", "### GET /text/{prompt}"),
    ):
        section = page.partition(address)[2].partition("\n### ")[0]
        explained = {
            name for row in re.findall(r"^\| (`.+?) \|", section, re.M) for name in re.findall(r"`(\w+)`", row)
        }
        told = {each["name"] for each in document["paths"][path]["get"]["parameters"]}
        assert explained
        assert explained <= told, f"{path}: {explained - told}"


async def test_it_is_served_with_this_installations_addresses(api_client):  # noqa: F811
    answer = await api_client.get("/v1/openapi.json")
    assert answer.json()["servers"] == [{"url": settings.SITE_URL}]
    assert answer.headers["access-control-allow-origin"] == "*"
