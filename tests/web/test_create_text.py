"""Create asks for text with a whole conversation and with tools, each mistake told in a sentence."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from generation import requests, store
from generation.inputs import KEPT
from generation.models import Artifact, Generation
from generation.requests import ChatRequest
from generation.web import brought, message_fields
from tests.fakes import jpeg

ASKED = {"mode": "text", "prompt": "And in Rome?", "model": "openai"}
SAID = {
    "role": ["system", "user", "assistant"],
    "said": ["You know the weather.", "How is it in Paris?", "Sunny, 20 degrees."],
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def tool(**function: object) -> str:
    return json.dumps([{"type": "function", "function": {**WEATHER["function"], **function}}])


def said(page) -> list[tuple[str, str]]:
    return [(line.role, line.text) for line in page.context["form"].lines]


def test_the_messages_before_the_question_are_sent_in_their_order(client: Client, db: None) -> None:
    client.post("/create", {**ASKED, **SAID})
    sent = Generation.objects.get().request().messages
    assert [(message["role"], message["content"]) for message in sent] == [
        *zip(SAID["role"], SAID["said"], strict=True),
        ("user", "And in Rome?"),
    ]


def test_empty_messages_are_not_sent(client: Client, db: None) -> None:
    client.post("/create", {**ASKED, "role": ["system", "user"], "said": ["", " \n "]})
    assert [message["role"] for message in Generation.objects.get().request().messages] == ["user"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"role": ["system", "wizard"], "said": ["Be brief.", "Hello"]}, "Message 2: choose who says it."),
        ({"role": "user", "said": "x" * 16001}, "Message 1 is longer than 16000 characters."),
        ({"role": ["user"] * 41, "said": ["x"] * 41}, "Up to 40 messages can stand before the question."),
        ({"tools": "weather"}, "This is not JSON: line 1, column 1"),
        ({"tools": json.dumps(WEATHER)}, "Give a list of tools"),
        ({"tools": '[{"type": "function"}]'}, "Tool 1 must look like"),
        ({"tools": tool(name="what a name")}, "The name of tool 1 must be 1 to 64 letters"),
        ({"tools": tool(description=7)}, "The description of tool 1 must be a text."),
        ({"tools": tool(parameters=["city"])}, "The parameters of tool 1 must be a JSON schema"),
        (
            {"tools": tool(parameters={"type": "object", "properties": {"city": {"type": "strin"}}})},
            "At properties → city → type",
        ),
        ({"tools": json.dumps([WEATHER, WEATHER])}, "Two tools are called weather."),
        ({"tools": tool(parameters=json.loads('{"not":' * 900 + "{}" + "}" * 900))}, "nested too deeply"),
        ({"tools": json.dumps([WEATHER]), "tool_choice": "perhaps"}, "perhaps"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_told_in_a_sentence_and_nothing_typed_is_lost(
    client: Client, db: None, change: dict[str, object], sentence: str
) -> None:
    response = client.post("/create", {**ASKED, **SAID, **change})
    form = response.context["form"]
    assert response.status_code == 422
    assert sentence in str(form.errors.as_text())
    assert form.value("tools") == change.get("tools")
    assert ("said" in change) or [text for _role, text in said(response)] == SAID["said"]
    assert not Generation.objects.exists()


def test_tools_are_sent_with_the_choice_of_them(client: Client, db: None) -> None:
    client.post("/create", {**ASKED, "tools": json.dumps([WEATHER]), "tool_choice": "required"})
    options = Generation.objects.get().request().options
    assert (options["tools"], options["tool_choice"]) == ([WEATHER], "required")


def test_without_tools_the_choice_of_them_says_nothing(client: Client, db: None) -> None:
    client.post("/create", {**ASKED, "tool_choice": "required"})
    assert set(Generation.objects.get().request().options) == {"seed"}


@pytest.mark.parametrize(
    ("deed", "order"),
    [
        ("up-2", [1, 0, 2]),
        ("down-2", [0, 2, 1]),
        ("up-1", [0, 1, 2]),
        ("down-3", [0, 1, 2]),
        ("remove-1", [1, 2]),
        ("up-0", [0, 1, 2]),
        ("remove-nine", [0, 1, 2]),
    ],
)
def test_messages_are_arranged_without_scripts_too(client: Client, db: None, deed: str, order: list[int]) -> None:
    response = client.post("/create", {**ASKED, **SAID, "arrange": deed})
    assert response.status_code == 200
    assert said(response) == [(SAID["role"][n], SAID["said"][n]) for n in order]
    assert response.context["form"].value("prompt") == "And in Rome?"
    assert not Generation.objects.exists()


def test_a_message_is_added_before_anything_is_asked(client: Client, db: None) -> None:
    response = client.post(
        "/create", {"mode": "text", "model": "openai", "arrange": "add", "role": "user", "said": "Hi"}
    )
    assert said(response) == [("user", "Hi"), ("assistant", "")]
    assert not response.context["form"].errors


def test_no_more_messages_are_added_than_are_sent(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_fields, "MOST", 3)
    assert len(said(client.post("/create", {**ASKED, **SAID, "arrange": "add"}))) == 3


def test_a_conversation_with_tools_can_be_begun_from(client: Client, db: None) -> None:
    client.post("/create", {**ASKED, **SAID, "tools": json.dumps([WEATHER]), "tool_choice": "none"})
    page = client.get(f"/create?from={Generation.objects.get().public_id}")
    form = page.context["form"]
    assert said(page) == list(zip(SAID["role"], SAID["said"], strict=True))
    assert json.loads(form.value("tools")) == [WEATHER]
    assert form.value("tool_choice") == "none"


def test_the_code_holds_the_messages_and_the_tools(client: Client, db: None) -> None:
    response = client.post("/create/code", {**ASKED, **SAID, "tools": json.dumps([WEATHER])})
    curl = next(sample.code for sample in response.context["samples"] if sample.name == "cURL")
    assert "Sunny, 20 degrees." in curl
    assert '"name": "weather"' in curl


def test_what_the_model_would_call_is_shown(client: Client, make) -> None:
    called = [("weather", '{"city": "<b>Rome</b>"}'), ("now", "{}"), ("odd", "<i>no JSON")]
    calls = [{"id": name, "type": "function", "function": {"name": name, "arguments": a}} for name, a in called]
    row = make("text", response="", message={"role": "assistant", "content": None, "tool_calls": calls})
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert "The model would like to call 3 functions" in content
    assert "<code>weather</code>" in content
    assert "&lt;b&gt;Rome&lt;/b&gt;" in content
    assert content.count("without arguments") == 1
    assert "<i>no" not in content


def test_what_was_called_before_stands_on_the_page_of_the_result(client: Client, stored) -> None:
    row = stored(
        {"role": "user", "content": [picture("tomato")]}, CALLED, ANSWERED, {"role": "user", "content": "Well?"}
    )
    content = client.get(f"/jobs/{row.public_id}").content.decode()
    assert "Calls <code>weather</code> with:" in content
    assert "{&quot;degrees&quot;: 20}" in content
    assert 'src="/create/brought/' in content


# --- remixing a conversation ------------------------------------------------------------------------------------------

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWERED = {"role": "tool", "content": '{"degrees": 20}', "tool_call_id": "call_1"}
Stored = Callable[..., Generation]


@pytest.fixture
def stored(client: Client, make) -> Stored:
    """`stored(message, …, **options)`: a conversation that this client's browser has made."""

    def stored(*messages: dict[str, Any], private: bool = True, **options: Any) -> Generation:
        wish = ChatRequest(model="openai", messages=messages, options={"seed": 7, **options}, private=private)
        row = make("text", response="Sunny.", params=requests.store(wish), visibility="private")
        session = client.session
        session["jobs"] = [row.public_id]
        session.save()
        return row

    return stored


def picture(colour: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": KEPT + brought.take(jpeg(40, 30, colour)).digest}}


def sent_again(client: Client, row: Generation, **change: Any) -> Any:
    """The form that remixes this row, sent as a browser sends it."""
    form = client.get(f"/create?from={row.public_id}").context["form"]
    values = {name: value for name in form.fields if (value := form.value(name)) not in (None, False)}
    lines = form.shown_lines
    told = {
        "mode": "text",
        "kept": [each.words for each in form.brought],
        "role": [line.role for line in lines],
        "said": [line.text for line in lines],
        "beside": [line.kept for line in lines],
    }
    return client.post("/create", {**values, **told, **change})


def test_a_remix_that_is_sent_unchanged_is_the_same_wish(client: Client, stored: Stored) -> None:
    row = stored(
        {"role": "system", "content": "You know the weather."},
        {"role": "user", "content": [{"type": "text", "text": "Where is this?"}, picture("tomato")], "name": "alice"},
        CALLED,
        ANSWERED,
        {"role": "assistant", "content": "20 degrees."},
        {"role": "user", "content": [{"type": "text", "text": "And here?"}, picture("teal")]},
        temperature=0.5,
        tools=[WEATHER],
        tool_choice="required",
        response_format={"type": "json_object"},
    )
    assert sent_again(client, row).status_code == 302
    assert Generation.objects.exclude(pk=row.pk).get().params == row.params


def test_a_tool_that_had_the_last_word_is_gone_on_from_without_a_question(client: Client, stored: Stored) -> None:
    row = stored({"role": "user", "content": "How is it in Paris?"}, CALLED, ANSWERED, tools=[WEATHER])
    assert sent_again(client, row).status_code == 302
    assert Generation.objects.exclude(pk=row.pk).get().params == row.params


def test_where_a_model_had_the_last_word_something_is_to_be_said(client: Client, stored: Stored) -> None:
    row = stored({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"})
    page = sent_again(client, row)
    assert page.status_code == 422
    assert "Say what you would like to have." in page.content.decode()
    assert said(page) == [("user", "Hi"), ("assistant", "Hello")]


def test_calls_answers_and_pictures_are_shown_and_survive_the_buttons(client: Client, stored: Stored) -> None:
    row = stored(
        {"role": "user", "content": [picture("tomato")]}, CALLED, ANSWERED, {"role": "user", "content": "And here?"}
    )
    page = sent_again(client, row, arrange="up-3")
    content = page.content.decode()
    assert [line.role for line in page.context["form"].lines] == ["user", "tool", "assistant"]
    assert "Calls <code>weather</code> with:" in content
    assert "Answers the call <code>call_1</code>." in content
    [shown] = re.findall(r'src="(/create/brought/[^"]+)"', content)
    assert client.get(shown).content == store.read(page.context["form"].lines[0].pictures[0].digest)


def test_a_conversation_that_was_private_does_not_begin_as_a_public_one(client: Client, stored: Stored) -> None:
    question = {"role": "user", "content": "How is it in Paris?"}
    for private in (True, False):
        row = stored(question, private=private)
        assert client.get(f"/create?from={row.public_id}").context["form"].value("public") is not private


@pytest.mark.parametrize(
    ("message", "options", "sentence"),
    [
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA"}}]},
            {},
            "1 part that is neither words nor a picture, such as a recording, is left out.",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": KEPT + "0" * 64}}]},
            {},
            "1 picture is no longer here",
        ),
        ({"role": "function", "name": "f", "content": "1"}, {}, "1 message is left out: the form does not have"),
        (
            {**CALLED, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "x" * 70_000}}]},
            {},
            "Calls of functions that are very long are left out.",
        ),
        (
            {"role": "system", "content": "Be brief."},
            {"stop": ["\n"], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
            "These settings have no field here and are left out: stop, tool_choice.",
        ),
    ],
    ids=["recording", "picture gone", "role", "long calls", "settings"],
)
def test_what_a_form_cannot_keep_is_told(client: Client, stored: Stored, message, options, sentence) -> None:
    row = stored(message, {"role": "user", "content": "And in Rome?"}, **options)
    content = client.get(f"/create?from={row.public_id}").content.decode()
    assert "Not all of the conversation could be taken over:" in content
    assert sentence in content


def test_of_a_long_conversation_the_last_messages_are_kept(client: Client, stored: Stored) -> None:
    before = [{"role": "user", "content": f"number {n}"} for n in range(message_fields.MOST + 2)]
    page = client.get(f"/create?from={stored(*before, {'role': 'user', 'content': 'Well?'}).public_id}")
    assert "The first 2 messages are left out" in page.content.decode()
    assert said(page)[0] == ("user", "number 2")


def test_what_can_be_kept_whole_is_told_nothing_about(client: Client, stored: Stored) -> None:
    row = stored({"role": "user", "content": "How is it in Paris?"}, CALLED, ANSWERED)
    assert client.get(f"/create?from={row.public_id}").context["form"].left_out == []


def test_a_picture_that_goes_while_the_form_is_open_is_a_mistake_once(client: Client, stored: Stored) -> None:
    shown = brought.take(jpeg(40, 30, "tomato"))
    row = stored(
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": KEPT + shown.digest}}]},
        {"role": "user", "content": "And here?"},
    )
    beside = client.get(f"/create?from={row.public_id}").context["form"].lines[0].kept
    Artifact.objects.filter(pk=shown.digest).delete()
    asked = {**ASKED, "role": ["user"], "said": ["This:"], "beside": [beside]}
    page = client.post("/create", asked)
    assert "Message 1: a picture is no longer here." in page.content.decode()
    assert client.post("/create", {**asked, "beside": [page.context["form"].lines[0].kept]}).status_code == 302


@pytest.mark.parametrize(
    "beside",
    ["{", "[]", '{"tool_calls": 7}', '{"pictures": [1, "forged"]}', '{"tool_calls": [{}]}', '{"name": ["x"]}'],
)
def test_forged_words_beside_a_message_are_nothing(client: Client, db: None, beside: str) -> None:
    client.post("/create", {**ASKED, "role": ["user"], "said": ["Hi"], "beside": [beside]})
    assert Generation.objects.get().request().messages[0] == {"role": "user", "content": "Hi"}
