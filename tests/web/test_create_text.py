"""Create asks for text with a whole conversation and with tools, each mistake told in a sentence."""

import json

import pytest
from django.test import Client

from generation.models import Generation
from generation.web import message_fields

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
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "<b>Rome</b>"}'}}
    row = make("text", response="", message={"role": "assistant", "content": None, "tool_calls": [call]})
    content = client.get(f"/p/{row.public_id}").content.decode()
    assert "would like to call <code>weather</code>" in content
    assert "&lt;b&gt;Rome&lt;/b&gt;" in content
