"""Whatever anybody sends is answered, or refused with a reason: nothing breaks. The provider itself never fails."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_by
from hypothesis import strategies as st

FEW = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = settings(FEW, max_examples=600, derandomize=False)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ODD_TEXTS = st.sampled_from(
    [
        "",
        "true",
        "TRUE",
        "false",
        "null",
        "0",
        "-1",
        "1",
        "1.5",
        "1e309",
        "nan",
        "-0",
        "9" * 40,
        "[]",
        "{}",
        "%2525",
        "🦊",
    ]
)
QUERY_VALUES = ODD_TEXTS | TEXTS
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | QUERY_VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("type"), inner, max_size=3),
    max_leaves=6,
)

# For each parameter what makes sense; everything else is tried for it too.
NUMBER_WORDS = st.sampled_from(["0", "-1", "0.5", "2", "42", "1844674407370955"])
FLAG_WORDS = st.sampled_from(["true", "false", "True", "1", "no"])
TEXT_QUERY = {
    **dict.fromkeys(("seed", "temperature", "top_p", "presence_penalty", "frequency_penalty"), NUMBER_WORDS),
    **dict.fromkeys(("json", "jsonMode", "stream", "private", "nofeed", "no-cache"), FLAG_WORDS),
    **dict.fromkeys(("system", "referrer", "token", "voice", "reasoning_effort", "stop", "unknown"), TEXTS),
    **dict.fromkeys(("max_tokens", "n"), st.sampled_from(["1", "5", "100"])),
    **dict.fromkeys(("tools", "tool_choice", "response_format", "modalities", "audio", "stream_options"), TEXTS),
}
IMAGE_QUERY = {
    **dict.fromkeys(("width", "height"), st.integers(1, 300).map(str)),
    **dict.fromkeys(("seed", "guidance_scale"), NUMBER_WORDS),
    **dict.fromkeys(("enhance", "safe", "private", "nofeed", "nologo", "transparent", "no-cache"), FLAG_WORDS),
    **dict.fromkeys(("model", "quality", "referrer", "negative_prompt", "token", "unknown"), TEXTS),
}
IMAGES = st.sampled_from(
    ["x", "ftp://x/y", "data:,", "data:image/png;base64,AAAA", "http://127.0.0.1/x", "http://[::1"]
)

ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"])
PARTS = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}) | st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "input_audio", "tool_use", "tool_result", "input_text"])},
    optional=dict.fromkeys(("text", "image_url", "input_audio", "source", "tool_use_id", "input"), JSON_VALUES),
)
CALLS = st.fixed_dictionaries(
    {"id": TEXTS, "type": st.just("function"), "function": st.fixed_dictionaries({"name": TEXTS, "arguments": TEXTS})}
)
PLAIN = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": TEXTS})
MESSAGES = PLAIN | st.fixed_dictionaries(
    {"role": ROLES, "content": TEXTS | st.none() | st.lists(PARTS, max_size=2)},
    optional={
        "name": TEXTS | JSON_VALUES,
        "tool_call_id": TEXTS,
        "tool_calls": JSON_VALUES | st.lists(CALLS, max_size=2),
    },
)
TOOLS = st.fixed_dictionaries(
    {"type": st.just("function"), "name": TEXTS},
    optional={
        "function": st.fixed_dictionaries(
            {"name": TEXTS}, optional={"parameters": JSON_VALUES | st.just({"type": "object", "required": ["a"]})}
        )
    },
)
FORMATS = st.sampled_from(
    [{"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "json_schema": {"schema": {}}}]
)
FIELDS = {
    **dict.fromkeys(("seed", "temperature", "top_p", "presence_penalty", "frequency_penalty", "top_k"), NUMBERS),
    **dict.fromkeys(("json", "jsonMode", "stream", "private", "nofeed", "store", "background"), st.booleans()),
    **dict.fromkeys(("system", "instructions", "referrer", "token", "user", "reasoning_effort", "stop"), TEXTS),
    "model": st.sampled_from(["openai", "pirate", "openai-audio", "nonsense"]),
    "n": st.just(1),
    "response_format": FORMATS,
    "tools": st.lists(TOOLS, max_size=2),
    "tool_choice": st.sampled_from(["auto", "none", "required", {"type": "any"}]),
    "stream_options": st.just({"include_usage": True}),
    "stop_sequences": st.lists(TEXTS, max_size=3),
    "input": TEXTS | st.lists(MESSAGES | JSON_VALUES, max_size=2),
    **dict.fromkeys(("audio", "modalities", "metadata", "text", "reasoning", "unknown"), JSON_VALUES),
}


def some(fields, other):
    """Up to four of these, each with a value that makes sense, now and then with any other."""
    names = st.sampled_from(sorted(fields))
    pairs = names.flatmap(lambda name: st.tuples(st.just(name), st.one_of(*[fields[name]] * 4, other)))
    return st.lists(pairs, max_size=4).map(dict)


CHATS = st.builds(
    lambda usual, more: usual | more,
    st.fixed_dictionaries(
        {
            "messages": st.lists(PLAIN, min_size=1, max_size=2) | st.lists(MESSAGES, max_size=3),
            "max_tokens": st.integers(1, 50),
            "input": TEXTS.filter(bool),
        }
    ),
    some(FIELDS, JSON_VALUES),
)
POSTS = st.sampled_from(["/text/", "/openai", "/v1/chat/completions", "/v1/responses", "/v1/messages"])


@pytest.fixture(autouse=True)
def says_json(working):
    """An answer that is right in every mode."""
    working.words = ['{"a": ', "1}"]


def fine(answer) -> None:
    assert answer.status_code not in (500, 502), answer.text
    if answer.status_code >= 400:
        assert answer.json()["request_id"]


async def gets_a_text(client, prompt: str, query: dict[str, str]) -> None:
    fine(await client.get(f"/text/{quote(prompt, safe='')}", params=query))


async def gets_a_picture(client, prompt: str, query: dict[str, str], given: str | None) -> None:
    image = {} if given is None else {"image": given}
    fine(
        await client.get(f"/prompt/{quote(prompt, safe='')}", params={"width": "64", "height": "48", **query, **image})
    )


async def posts(client, path: str, body: object) -> None:
    content = json.dumps(body).encode()
    fine(await client.post(path, content=content, headers={"content-type": "application/json"}))


TEXT = given_by(prompt=TEXTS.filter(bool), query=some(TEXT_QUERY, QUERY_VALUES))
PICTURE = given_by(prompt=TEXTS, query=some(IMAGE_QUERY, QUERY_VALUES), given=st.none() | IMAGES)
CHAT = given_by(path=POSTS, body=CHATS)
BODY = given_by(path=POSTS, body=JSON_VALUES)


@FEW
@TEXT
async def test_every_text_query_is_answered_or_refused(client, prompt, query):
    await gets_a_text(client, prompt, query)


@FEW
@PICTURE
async def test_every_picture_query_is_answered_or_refused(client, prompt, query, given):
    await gets_a_picture(client, prompt, query, given)


@FEW
@CHAT
async def test_every_conversation_is_answered_or_refused(client, path, body):
    await posts(client, path, body)


@FEW
@BODY
async def test_every_body_is_answered_or_refused(client, path, body):
    await posts(client, path, body)


@pytest.mark.slow
@pytest.mark.timeout(600)
@MANY
@TEXT
async def test_many_text_queries_are_answered_or_refused(client, prompt, query):
    await gets_a_text(client, prompt, query)


@pytest.mark.slow
@pytest.mark.timeout(600)
@MANY
@PICTURE
async def test_many_picture_queries_are_answered_or_refused(client, prompt, query, given):
    await gets_a_picture(client, prompt, query, given)


@pytest.mark.slow
@pytest.mark.timeout(600)
@MANY
@CHAT
async def test_many_conversations_are_answered_or_refused(client, path, body):
    await posts(client, path, body)
