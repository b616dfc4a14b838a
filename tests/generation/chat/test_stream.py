import time

import pytest

from generation.providers.local.chat import ContextTooLong, EngineFailed, OutOfTime, RequestRefused
from generation.providers.local.chat.plan import Plan
from generation.providers.local.chat.stream import Stream

HI = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "time"}}


def chunk(text="", finish=None, **more):
    return {"choices": [{"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}], **more}


def timings(count):
    return {"timings": {"prompt_n": 3, "predicted_n": count}}


def progress(total):
    return chunk(prompt_progress={"total": total, "processed": 0})


class Listener:
    def __init__(self, stop_at=None):
        self.pieces = []
        self.stop_at = stop_at

    def __call__(self, delta):
        self.pieces.append(delta)
        return len(self.pieces) == self.stop_at


def stream(listener=None, deadline=None, cancelled=lambda: False, **options):
    plan = Plan.of({"messages": HI, **options}, context=1000)
    return Stream(plan, listener or Listener(), deadline, cancelled)


def test_pieces_are_handed_on_and_summed_up():
    listener = Listener()
    answer = stream(listener)
    for piece in (progress(3), chunk("Hel"), chunk("lo"), chunk(finish="stop")):
        assert answer(piece) is False
    answer({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    assert listener.pieces == [{"content": "Hel"}, {"content": "lo"}]
    assert answer.answer() == {
        "message": {"role": "assistant", "content": "Hello"},
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def test_a_listener_who_has_enough_stops_the_engine():
    answer = stream(Listener(stop_at=2))
    assert [answer(chunk(text, **timings(n))) for n, text in enumerate("abc", 1)] == [False, True, True]
    assert answer.answer()["message"]["content"] == "ab"
    assert answer.answer()["usage"]["completion_tokens"] == 2


def test_a_cancelled_request_stops_while_the_prompt_is_read():
    assert stream(cancelled=lambda: True)(progress(3)) is True


def test_before_the_deadline_the_answer_ends_with_what_there_is():
    answer = stream(deadline=time.monotonic() + 4)
    assert answer(chunk("Paris", **timings(1))) is True
    assert answer.answer()["finish_reason"] == "length"
    assert answer.answer()["message"]["content"] == "Paris"


def test_a_deadline_before_the_first_word_is_no_empty_answer():
    answer = stream(deadline=time.monotonic() + 4)
    assert answer(progress(3)) is True
    with pytest.raises(OutOfTime):
        answer.reraise()


def test_a_call_ends_the_answer():
    listener = Listener()
    answer = stream(listener, tools=[TOOL])
    assert answer(chunk('{"name": "time", ')) is False
    assert answer(chunk('"arguments": {}}')) is True
    result = answer.answer()
    [call] = result["message"]["tool_calls"]
    assert call["function"] == {"name": "time", "arguments": "{}"}
    assert result["message"]["content"] is None
    assert result["finish_reason"] == "tool_calls"
    assert listener.pieces == [{"tool_calls": [{"index": 0, **call}]}]


CITY = {"type": "function", "function": {"name": "city", "parameters": {"required": ["name"]}}}


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ('{"name": "stocks", "arguments": {}}', "none"),
        ('{"name": "city", "arguments": {}}', {"type": "function", "function": {"name": "city"}}),
    ],
)
def test_a_call_that_cannot_be_made_is_asked_for_again_unheard(text, choice):
    listener = Listener()
    answer = stream(listener, tools=[CITY])
    assert answer(chunk(text)) is True
    assert answer.tool_choice == choice
    assert listener.pieces == []


def test_after_words_were_heard_nothing_is_asked_again():
    listener = Listener()
    answer = stream(listener, tools=[CITY])
    assert answer(chunk("Look: ")) is False
    assert answer(chunk('{"name": "stocks", "arguments": {}}')) is False
    assert answer.tool_choice is None
    assert answer.answer()["message"]["content"] == 'Look: {"name": "stocks", "arguments": {}}'


def test_text_that_was_held_back_in_vain_comes_at_the_end():
    listener = Listener()
    answer = stream(listener, tools=[TOOL])
    answer(chunk('{"name": '))
    answer(chunk(finish="length"))
    assert answer.answer()["message"]["content"] == '{"name": '
    assert listener.pieces == [{"content": '{"name": '}]


def test_a_forced_call_is_read_at_the_end():
    listener = Listener()
    answer = stream(listener, tools=[TOOL], tool_choice="required")
    answer(chunk('{"name": "time", "arguments": {}}'))
    assert listener.pieces == []
    assert answer.answer()["message"]["tool_calls"][0]["function"]["name"] == "time"


def test_a_forced_call_that_was_cut_off_is_text():
    answer = stream(tools=[TOOL], tool_choice="required")
    answer(chunk('{"name": "ti'))
    answer(chunk(finish="length"))
    assert answer.answer()["message"]["content"] == '{"name": "ti'
    assert answer.answer()["finish_reason"] == "length"


def test_a_history_that_leaves_no_room_is_shortened():
    answer = stream(messages=[*HI, *HI])
    assert answer(progress(900)) is True
    assert answer.too_long
    assert answer.prompt_tokens == 900


def test_one_message_may_take_the_answers_room():
    answer = stream()
    assert answer(progress(900)) is False
    assert not answer.too_long


EXCEEDED = {"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 5000}}


def test_one_message_beyond_the_context_is_refused_with_the_limit():
    answer = stream()
    assert answer(EXCEEDED) is True
    with pytest.raises(ContextTooLong, match="1000 tokens"):
        answer.reraise()


def test_a_history_beyond_the_context_is_shortened():
    answer = stream(messages=[*HI, *HI])
    answer(EXCEEDED)
    answer.reraise()
    assert (answer.too_long, answer.prompt_tokens) == (True, 5000)


def test_the_engines_refusal_is_the_callers_fault():
    answer = stream()
    answer({"error": {"code": 400, "type": "invalid_request_error", "message": "temperature must be number"}})
    with pytest.raises(RequestRefused, match="temperature must be number"):
        answer.reraise()


def test_any_other_error_is_the_engines():
    answer = stream()
    answer({"error": {"code": 500, "type": "server_error", "message": "/secret/path"}})
    with pytest.raises(EngineFailed) as failure:
        answer.reraise()
    assert "/secret/path" not in str(failure.value)


def test_a_listeners_own_fault_stops_the_engine_and_comes_to_the_caller():
    def broken(delta):
        raise KeyError("listener")

    answer = stream(broken)
    assert answer(chunk("a")) is True
    with pytest.raises(KeyError):
        answer.reraise()
