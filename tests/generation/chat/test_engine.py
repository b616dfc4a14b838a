import json
import threading
import time

import pytest

from generation.providers.local.chat import (
    ChatEngine,
    ContextTooLong,
    EngineBusy,
    ModelDamaged,
    ModelMissing,
    RequestRefused,
)
from generation.providers.local.chat import engine as chat_engine

MODEL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(text, **options):
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 60, **options}


def silent(delta):
    return False


def test_a_missing_model_file_is_named_without_its_path(tmp_path):
    with pytest.raises(ModelMissing, match=r"the model file absent\.gguf is not there") as failure:
        ChatEngine(tmp_path / "absent.gguf").complete(ask("Hi"), silent)
    assert str(tmp_path) not in str(failure.value)


def test_a_damaged_model_file_is_named(tmp_path):
    (tmp_path / "damaged.gguf").write_bytes(b"GGUF and then nothing that makes sense")
    with pytest.raises(ModelDamaged, match=r"damaged\.gguf does not load"):
        ChatEngine(tmp_path / "damaged.gguf").complete(ask("Hi"), silent)


def test_a_request_that_is_none_is_refused_before_the_model_is_loaded(tmp_path):
    with pytest.raises(RequestRefused):
        ChatEngine(tmp_path / "absent.gguf").complete({"messages": "Hi"}, silent)


@pytest.fixture
def busy(monkeypatch):
    """An engine whose only turn is taken, without a model."""
    engine = ChatEngine("unused")
    monkeypatch.setattr(engine, "load", lambda: None)
    monkeypatch.setattr(chat_engine, "POLL", 0.001)
    with engine._turn(None, lambda: False):
        yield engine


def test_waiting_for_the_engine_ends_at_the_deadline(busy):
    with pytest.raises(EngineBusy):
        busy.complete(ask("Hi"), silent, deadline=time.monotonic())


def test_waiting_for_the_engine_has_a_limit_of_its_own(busy, monkeypatch):
    monkeypatch.setattr(chat_engine, "WAIT", 0.0)
    with pytest.raises(EngineBusy):
        busy.complete(ask("Hi"), silent)


def test_a_request_that_nobody_waits_for_any_more_leaves_the_line(busy):
    with pytest.raises(EngineBusy):
        busy.complete(ask("Hi"), silent, cancelled=lambda: True)


@pytest.fixture(scope="module")
def engine(model_folder):
    engine = ChatEngine(model_folder / MODEL, context=768)
    engine.load()
    return engine


@pytest.mark.engines
class TestTheModel:
    def test_it_knows_the_capital_of_france(self, engine):
        pieces = []
        answer = engine.complete(ask("What is the capital of France?"), lambda delta: bool(pieces.append(delta)))
        assert "Paris" in answer["message"]["content"]
        assert "".join(piece["content"] for piece in pieces) == answer["message"]["content"]
        assert answer["finish_reason"] == "stop"
        assert answer["usage"]["prompt_tokens"] > 10
        assert answer["usage"]["completion_tokens"] == pytest.approx(len(pieces), abs=2)

    def test_json_mode_gives_json(self, engine):
        answer = engine.complete(
            ask("Describe Paris.", response_format={"type": "json_object"}, max_tokens=300), silent
        )
        assert isinstance(json.loads(answer["message"]["content"]), dict)

    def test_a_schema_is_kept_to(self, engine):
        schema = {
            "type": "object",
            "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
            "required": ["city", "population"],
        }
        wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
        answer = engine.complete(ask("Describe Paris.", response_format=wanted), silent)
        described = json.loads(answer["message"]["content"])
        assert set(described) == {"city", "population"}
        assert isinstance(described["population"], int)

    def test_a_schema_that_is_none_is_refused(self, engine):
        wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}
        with pytest.raises(RequestRefused):
            engine.complete(ask("Hi", response_format=wanted), silent)

    def test_a_setting_that_is_none_is_refused(self, engine):
        with pytest.raises(RequestRefused, match="temperature"):
            engine.complete(ask("Hi", temperature="hot"), silent)

    def test_a_named_tool_is_called_with_arguments(self, engine):
        choice = {"type": "function", "function": {"name": "get_weather"}}
        answer = engine.complete(ask("How is the weather in Paris?", tools=[WEATHER], tool_choice=choice), silent)
        [call] = answer["message"]["tool_calls"]
        assert answer["finish_reason"] == "tool_calls"
        assert call["function"]["name"] == "get_weather"
        assert "Paris" in json.loads(call["function"]["arguments"])["city"]

    def test_a_question_that_needs_no_tool_is_answered_in_words(self, engine):
        answer = engine.complete(ask("Write a haiku about autumn.", tools=[WEATHER]), silent)
        assert answer["message"]["content"]
        assert "tool_calls" not in answer["message"]

    def test_a_tool_conversation_comes_to_an_answer(self, engine):
        first = engine.complete(ask("How is the weather in Paris?", tools=[WEATHER]), silent)
        [call] = first["message"]["tool_calls"]
        messages = [
            {"role": "user", "content": "How is the weather in Paris?"},
            first["message"],
            {"role": "tool", "tool_call_id": call["id"], "content": '{"sky": "thunderstorm", "celsius": 31}'},
        ]
        second = engine.complete(ask("", messages=messages, tools=[WEATHER]), silent)
        assert "31" in second["message"]["content"] or "thunder" in second["message"]["content"]

    def test_the_same_seed_gives_the_same_text_whatever_was_asked_between(self, engine):
        poem = ask("Write a poem about rain.", temperature=0.9, seed=7, max_tokens=30)
        first = engine.complete(poem, silent)["message"]
        engine.complete(ask("What is 2 + 2?", max_tokens=5), silent)
        assert engine.complete(poem, silent)["message"] == first
        assert engine.complete({**poem, "seed": 8}, silent)["message"] != first

    def test_an_answer_ends_at_its_limit(self, engine):
        answer = engine.complete(ask("Count to one hundred.", max_tokens=5), silent)
        assert answer["finish_reason"] == "length"
        assert answer["usage"]["completion_tokens"] == 5

    def test_a_stop_word_ends_the_answer(self, engine):
        answer = engine.complete(ask("Say: one two three four five", stop=["three"]), silent)
        assert "three" not in answer["message"]["content"]
        assert answer["finish_reason"] == "stop"

    def test_cancelling_stops_at_once(self, engine):
        pieces = []

        def three(delta):
            pieces.append(delta)
            return len(pieces) == 3

        answer = engine.complete(ask("Tell me a very long story.", max_tokens=1000), three)
        assert len(pieces) == 3
        assert answer["usage"]["completion_tokens"] <= 4

    def test_a_deadline_ends_the_answer_with_what_there_is(self, engine):
        deadline = time.monotonic() + 6.5
        answer = engine.complete(ask("Tell me a very long story.", max_tokens=1000), silent, deadline=deadline)
        assert time.monotonic() < deadline
        assert answer["finish_reason"] == "length"

    def test_two_at_once_both_get_answers(self, engine):
        answers = {}

        def answer(country):
            body = ask(f"What is the capital of {country}?", max_tokens=20)
            answers[country] = engine.complete(body, silent)["message"]["content"]

        threads = [threading.Thread(target=answer, args=(country,)) for country in ("France", "Italy")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "Paris" in answers["France"]
        assert "Rome" in answers["Italy"]

    def test_an_empty_message_is_answered(self, engine):
        assert engine.complete(ask("", max_tokens=10), silent)["usage"]["completion_tokens"] > 0

    def test_a_long_history_forgets_its_beginning(self, engine):
        messages = [{"role": "system", "content": "Answer in one word."}]
        for number in range(60):
            messages += [{"role": "user", "content": f"Remember {number}."}, {"role": "assistant", "content": "Yes."}]
        messages.append({"role": "user", "content": "What is the capital of France?"})
        answer = engine.complete(ask("", messages=messages, max_tokens=600), lambda delta: True)
        assert 200 < answer["usage"]["prompt_tokens"] <= 768 - 192

    def test_one_message_that_is_too_long_is_refused_with_the_limit(self, engine):
        with pytest.raises(ContextTooLong, match="768 tokens"):
            engine.complete(ask("word " * 5000), silent)

    def test_it_says_nothing_on_the_terminal(self, engine, capfd):
        engine.complete(ask("Hi", max_tokens=3), silent)
        assert capfd.readouterr() == ("", "")
