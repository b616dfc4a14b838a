import json

import pytest

from generation.providers.local.chat import RequestRefused
from generation.providers.local.chat.tools import CallSieve, as_tool_call, call_in, tools_of, whole_call

WEATHER = {
    "name": "weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME = {"name": "time"}
TOOLS = [{"type": "function", "function": WEATHER}, {"type": "function", "function": TIME}]
CALL = {"name": "weather", "arguments": {"city": "Paris"}}
KNOWN = {"weather": ("city",), "time": ()}


def test_without_tools_nothing_is_said():
    tools = tools_of({})
    assert tools.instructions == ""
    assert not tools.forced


def test_none_forbids_calls():
    assert tools_of({"tools": TOOLS, "tool_choice": "none"}).functions == ()


def test_auto_offers_all_tools():
    tools = tools_of({"tools": TOOLS})
    assert tools.known == KNOWN
    assert not tools.forced
    assert json.dumps(WEATHER) in tools.instructions


def test_required_allows_any_of_them():
    tools = tools_of({"tools": TOOLS, "tool_choice": "required"})
    assert tools.forced
    assert [call["properties"]["name"]["const"] for call in tools.schema()["anyOf"]] == ["weather", "time"]


def test_a_named_tool_is_the_only_one():
    tools = tools_of({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "weather"}}})
    assert tools.forced
    assert tools.schema() == {
        "type": "object",
        "properties": {"name": {"const": "weather"}, "arguments": WEATHER["parameters"]},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def test_a_function_without_parameters_takes_any_object():
    tools = tools_of({"tools": TOOLS[1:], "tool_choice": "required"})
    assert tools.schema()["properties"]["arguments"] == {"type": "object"}


@pytest.mark.parametrize(
    "body",
    [
        {"tools": ["weather"]},
        {"tools": [{"type": "function", "function": {}}]},
        {"tools": TOOLS, "tool_choice": "sometimes"},
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "stocks"}}},
    ],
)
def test_what_is_no_tool_is_refused(body):
    with pytest.raises(RequestRefused):
        tools_of(body)


@pytest.mark.parametrize(
    "value",
    [
        CALL,
        {"name": "weather", "parameters": {"city": "Paris"}},
        {"name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "function", "function": CALL},
    ],
)
def test_calls_are_known_in_the_forms_that_models_write(value):
    assert call_in(value, KNOWN) == CALL


@pytest.mark.parametrize(
    "value",
    [
        {"name": "stocks", "arguments": {}},
        {"city": "Paris"},
        {"name": "weather", "arguments": "Paris"},
        {"name": "weather", "arguments": ["Paris"]},
        {"name": "weather", "arguments": {"town": "Paris"}},
        {"name": ["weather"], "arguments": {"city": "Paris"}},
        "weather",
        None,
    ],
)
def test_other_values_are_no_calls(value):
    assert call_in(value, KNOWN) is None


def test_a_call_gets_an_id_of_its_own():
    first, second = as_tool_call(CALL), as_tool_call(CALL)
    assert first["id"] != second["id"]
    assert first["function"] == {"name": "weather", "arguments": '{"city": "Paris"}'}


def read(text, size):
    """What a sieve shows of a text that comes in bits of `size`, and the call it finds."""
    sieve, shown = CallSieve(KNOWN), ""
    for start in range(0, len(text), size):
        shown += sieve.feed(text[start : start + size])
        if sieve.call:
            break
    return shown + sieve.end(), sieve.call


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps(CALL), ""),
        (f"```json\n{json.dumps(CALL, indent=2)}\n```", ""),
        (f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>", ""),
        (f"Let me look.\n{json.dumps(CALL)}", "Let me look.\n"),
        (f'In Python {{}} is empty. {{"type": "function", "function": {json.dumps(CALL)}}}', "In Python {} is empty. "),
        (f"```\n{json.dumps(CALL)}", ""),
        (f"Look: {json.dumps({'a': 1})} {json.dumps(CALL)} and more", 'Look: {"a": 1} '),
    ],
)
def test_a_call_is_found_and_only_the_words_before_it_are_shown(text, words, size):
    assert read(text, size) == (words, CALL)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "Paris is the capital of France.",
        "Use `x` and ``y`` and <b>bold</b> or a < b.",
        "```python\nprint({'a': 1})\n```",
        '{"city": "Paris"}',
        '{"name": "Paris", "population": 2}',
        '{"name": "stocks", "arguments": {}} is not one of mine',
        "```json\n[1, 2]\n```",
        '{"name": "weather", "arguments": {"city": ',
        "a set {1, 2} and a half tag <tool_ca",
        "`" * 7,
        "{" * 5,
    ],
)
def test_what_is_no_call_is_shown_whole(text, size):
    assert read(text, size) == (text, None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"name": "stocks", "arguments": {}}', "stocks"),
        ('```json\n{"name": "weather", "parameters": {"type": "object"}}\n```', "weather"),
        ('{"name": "Paris", "population": 2}', None),
        ("Hello there", None),
    ],
)
def test_a_call_that_cannot_be_made_is_noticed(text, name):
    sieve = CallSieve(KNOWN)
    sieve.feed(text)
    assert sieve.misfire == name


def test_plain_words_are_not_held_back():
    assert CallSieve(KNOWN).feed("Hello there") == "Hello there"


def test_without_tools_a_call_is_only_text():
    sieve = CallSieve({})
    assert sieve.feed(json.dumps(CALL)) == json.dumps(CALL)


def test_a_forced_answer_is_read_as_a_whole():
    assert whole_call(json.dumps(CALL), KNOWN) == CALL
    assert whole_call('{"name": "weather", "argu', KNOWN) is None
