import pytest

from generation.providers.local.chat import ContextTooLong, RequestRefused
from generation.providers.local.chat.messages import normalise, shorten


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def system(text):
    return {"role": "system", "content": text}


def test_system_and_developer_messages_become_one_at_the_beginning():
    messages = [system("Be brief."), user("Hi"), {"role": "developer", "content": "Speak French."}]
    assert normalise(messages, "Tools.") == [system("Be brief.\n\nSpeak French.\n\nTools."), user("Hi")]


def test_without_instructions_there_is_no_system_message():
    assert normalise([user("Hi")]) == [user("Hi")]


def test_content_parts_become_text():
    parts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "this?"}]
    assert normalise([user(parts)]) == [user("What is\nthis?")]


@pytest.mark.parametrize("content", ["", None, []])
def test_empty_content_is_empty_text(content):
    assert normalise([user(content)]) == [user("")]


def test_an_unknown_role_speaks_as_the_user():
    assert normalise([{"role": "critic", "content": "No."}]) == [user("No.")]


def test_a_call_and_its_answer_are_told_in_prose():
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    messages = [
        user("How is the weather?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    assert normalise(messages) == [
        user("How is the weather?"),
        assistant('I call weather with {"city": "Paris"}.'),
        user("The result of weather: sunny\nUse it to answer my question in plain words."),
    ]


def test_the_older_function_role_names_its_function_itself():
    [message] = normalise([{"role": "function", "name": "weather", "content": "sunny"}])
    assert message["content"].startswith("The result of weather: sunny")


@pytest.mark.parametrize("message", ["hi", {"role": "assistant", "tool_calls": ["weather"]}])
def test_what_is_no_message_is_refused(message):
    with pytest.raises(RequestRefused):
        normalise([message])


def test_the_oldest_turns_go_and_the_system_message_stays():
    turns = [message for n in range(10) for message in (user(f"{n} " * 100), assistant(f"{n} " * 100))]
    kept = shorten([system("Be brief."), *turns, user("And now?")], tokens=2000, room=1000, limit=1500)
    assert kept[0] == system("Be brief.")
    assert kept[1]["role"] == "user"
    assert kept[1:] == [*turns, user("And now?")][-len(kept) + 1 :]
    assert 8 <= len(kept) <= 12


def test_a_shortened_history_does_not_begin_with_an_answer():
    kept = shorten([user("a" * 1000), assistant("b"), user("c")], tokens=1000, room=900, limit=1000)
    assert kept == [user("c")]


def test_the_last_turn_stays_even_if_it_does_not_fit():
    assert shorten([user("a"), user("b" * 4000)], tokens=1000, room=100, limit=1000) == [user("b" * 4000)]


def test_one_turn_that_is_too_long_is_refused_with_the_limit():
    with pytest.raises(ContextTooLong, match="at most 1000 tokens") as refusal:
        shorten([system("s"), user("a" * 9000)], tokens=2000, room=900, limit=1000)
    assert refusal.value.limit == 1000
