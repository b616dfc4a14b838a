"""The code beside a result asks for exactly that result: what it sends is read back by the API's own reader."""

import ast
import json
import shlex
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from generation import catalogue
from generation.mcp_server import arguments
from generation.mcp_server.tools.pictures import TOOLS, _query
from generation.requests import ChatRequest, ImageRequest, SpeechRequest
from generation.web.samples import address, samples
from generation.wire import pictures, pollinations, speech

WORDS = "rain & 雨/fog? 100% #1 \"q\" 'x' $HOME"


def read(url: str) -> tuple[str, dict[str, str]]:
    """Prompt and query, as a server takes them from an address."""
    parts = urlsplit(url)
    return unquote(parts.path.rpartition("/")[2]), dict(parse_qsl(parts.query, keep_blank_values=True))


@pytest.mark.parametrize(
    "request_",
    [
        ImageRequest(model="flux", text=WORDS, seed=7, width=640, height=480),
        ImageRequest(model="turbo", text="a", negative_prompt="rain", quality="hd", guidance_scale=7.5, nologo=True),
        ImageRequest(model="flux", text="a", enhance=True, safe=True, transparent=True, private=True, seed=0),
    ],
)
def test_the_address_of_a_picture_is_read_as_the_same_request(request_):
    card = catalogue.image(request_.model)
    assert pollinations.image_request(*read(address(request_)), card) == request_


@pytest.mark.parametrize(
    "request_",
    [
        SpeechRequest(model="openai-audio", text=WORDS, voice="nova"),
        SpeechRequest(model="openai-audio", text="a", format="wav", speed=1.5, private=True),
    ],
)
def test_the_address_of_speech_is_read_as_the_same_request(request_):
    assert pollinations.speech_request(*read(address(request_)), catalogue.find("openai-audio", ("audio",))) == request_


def test_the_address_of_an_answer_is_read_as_the_same_request():
    messages = ({"role": "system", "content": "Be brief & kind."}, {"role": "user", "content": WORDS})
    options = {"seed": 5, "temperature": 0.5}
    request = ChatRequest(model="openai", messages=messages, options=options, private=True)
    assert pollinations.text_request(*read(address(request)), catalogue.find("openai")) == request


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest(model="openai", messages=({"role": "user", "content": [{"type": "text", "text": "a"}]},)),
        ChatRequest(model="openai", messages=({"role": "user", "content": "a"},) * 2),
        ChatRequest(model="openai", messages=({"role": "user", "content": "a"},), options={"max_tokens": 5}),
        ChatRequest(model="openai", messages=({"role": "user", "content": "x" * 3000},)),
    ],
    ids=["parts", "conversation", "an option of the body", "too long"],
)
def test_what_only_a_body_can_say_has_no_address(request_):
    assert address(request_) == ""
    assert [sample.name for sample in samples(request_)][:4] == ["cURL", "Python", "JavaScript", "OpenAI SDK"]


def test_the_curl_line_survives_the_shell():
    messages = ({"role": "user", "content": WORDS}, {"role": "assistant", "content": "hm"})
    request = ChatRequest(model="openai", messages=messages, options={"stop": ["'"]})
    words = shlex.split(samples(request)[0].code)
    assert json.loads(words[words.index("--json") + 1]) == {
        "model": "openai",
        "messages": list(messages),
        "stop": ["'"],
    }


@pytest.mark.parametrize(
    "request_",
    [
        ImageRequest(model="flux", text=WORDS),
        ChatRequest(model="openai", messages=({"role": "user", "content": WORDS},), options={"seed": 1}, private=True),
        ChatRequest(model="openai", messages=({"role": "user", "content": "a"},), options={"stop": None, "n": 1}),
    ],
)
def test_the_python_code_is_python(request_):
    for sample in samples(request_):
        if sample.language == "python":
            compile(sample.code, sample.name, "exec")


def test_coloured_code_is_escaped():
    request = ChatRequest(model="openai", messages=({"role": "user", "content": "<script>alert(1)</script>"},))
    assert all("<script" not in sample.html for sample in samples(request))


def test_what_was_meant_for_an_upstream_is_not_shown():
    messages = ({"role": "user", "content": "Hello?"},)
    options = {"temperature": 0.5, "extra": {"user": "alice@example.org"}}
    shown = "".join(sample.code for sample in samples(ChatRequest(model="openai", messages=messages, options=options)))
    assert "temperature" in shown
    assert "alice" not in shown


def code(request, name: str) -> str:
    return next((sample.code for sample in samples(request) if sample.name == name), "")


def called(program: str, method: str) -> dict:
    """The named arguments of the call of this method in a Python program."""
    calls = (node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call))
    found = next(node for node in calls if ast.unparse(node.func) == method)
    return {argument.arg: ast.literal_eval(argument.value) for argument in found.keywords}


def test_the_openai_sdk_asks_for_the_same_picture():
    asked = ImageRequest(model="flux", text=WORDS, seed=7, width=640, height=480, quality="hd", transparent=True)
    said = called(code(asked, "OpenAI SDK"), "client.images.generate")
    body = {**said, **said.pop("extra_body")}
    assert pictures.requests(body, catalogue.image("flux")) == (asked,)


@pytest.mark.parametrize("values", [{"negative_prompt": "rain"}, {"guidance_scale": 7.5}, {"enhance": True}])
def test_what_the_openai_sdk_cannot_say_is_not_shown_as_if_it_could(values):
    assert code(ImageRequest(model="flux", text="a", **values), "OpenAI SDK") == ""


def test_the_openai_sdk_asks_for_the_same_speech():
    asked = SpeechRequest(model="openai-audio", text=WORDS, voice="nova", format="wav", speed=1.5)
    said = called(code(asked, "OpenAI SDK"), "client.audio.speech.create")
    assert speech.request(said, catalogue.find("openai-audio", ("audio",))) == asked


def test_an_assistant_is_told_to_call_the_tool_that_makes_the_same_picture():
    asked = ImageRequest(model="flux", text=WORDS, seed=7, width=640, height=480, negative_prompt="rain", nologo=True)
    words = shlex.split(code(asked, "MCP"))
    call = json.loads(words[words.index("--json") + 1])["params"]
    tool = next(tool for tool in TOOLS if tool.name == call["name"])
    values, _unknown = arguments.read(tool.arguments, call["arguments"])
    assert values.pop("is_private") is False
    assert pollinations.image_request(values.pop("prompt"), _query(values), catalogue.image("flux")) == asked


def test_a_react_component_holds_prompt_and_settings():
    asked = ImageRequest(model="flux", text='a "red" fox', seed=7, width=640, height=480)
    program = code(asked, "React")
    begin = program.index('useImage("a \\"red\\" fox", ') + len('useImage("a \\"red\\" fox", ')
    options, _end = json.JSONDecoder().raw_decode(program, begin)
    assert options == {"model": "flux", "width": 640, "height": 480, "seed": 7}


def test_code_with_a_picture_that_has_no_address_names_a_file_and_never_what_is_stored():
    asked = ImageRequest(model="kontext", text="in the style of Monet", images=("0" * 64, "https://example.org/a.png"))
    shown = "".join(sample.code for sample in samples(asked))
    assert "image=@input.png" in shown
    assert "https%3A%2F%2Fexample.org%2Fa.png" in shown
    assert "0" * 64 not in shown
    assert address(asked) == ""
