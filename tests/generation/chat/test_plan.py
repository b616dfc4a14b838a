import pytest

from generation.providers.local.chat import RequestRefused
from generation.providers.local.chat.plan import Plan

HI = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object"}}}


def request(**options):
    return Plan.of({"messages": HI, **options}, context=1000).request()


def test_what_the_caller_set_arrives():
    wanted = {
        "temperature": 0.0,
        "top_p": 0.5,
        "presence_penalty": 1.0,
        "frequency_penalty": 0.5,
        "stop": ["\n"],
        "seed": 7,
        "max_tokens": 9,
    }
    assert wanted.items() <= request(**wanted).items()


def test_what_the_caller_left_open_gets_defaults():
    assert request(temperature=None)["temperature"] == 0.7
    assert request()["max_tokens"] == 512
    assert "seed" not in request()


def test_the_newer_name_of_max_tokens_is_known():
    assert request(max_completion_tokens=5)["max_tokens"] == 5


def test_an_answer_cannot_be_longer_than_the_context():
    assert request(max_tokens=10**9)["max_tokens"] == 1000


def test_a_seed_of_minus_one_is_any_seed():
    assert "seed" not in request(seed=-1)


@pytest.mark.parametrize("seed", [-5, 2**32 - 1, 2**40])
def test_any_other_integer_is_a_seed_that_the_engine_knows(seed):
    assert 0 <= request(seed=seed)["seed"] < 2**32 - 1


def test_a_seeded_answer_does_not_depend_on_what_was_asked_before():
    assert request(seed=1)["cache_prompt"] is False
    assert "cache_prompt" not in request()


def test_json_mode_is_enforced_by_the_engine():
    assert request(response_format={"type": "json_object"})["response_format"] == {"type": "json_object"}
    assert request(response_format=SCHEMA)["response_format"] == SCHEMA
    assert "response_format" not in request(response_format={"type": "text"})


def test_json_mode_is_also_asked_for_in_words():
    system, _ = request(response_format={"type": "json_object"})["messages"]
    assert system == {"role": "system", "content": "Answer with one short JSON object."}


def test_a_forced_call_is_a_schema():
    tool = {"type": "function", "function": {"name": "time"}}
    asked = request(tools=[tool], tool_choice="required")
    assert asked["response_format"]["json_schema"]["schema"]["properties"]["name"] == {"const": "time"}
    assert asked["messages"][0]["role"] == "system"


def test_room_is_left_for_the_answer():
    assert Plan.of({"messages": HI, "max_tokens": 100}, 1000).room == 900
    assert Plan.of({"messages": HI, "max_tokens": 5000}, 1000).room == 750


@pytest.mark.parametrize(
    "options",
    [
        {"messages": "Hi"},
        {"max_tokens": -1},
        {"max_tokens": "many"},
        {"seed": "lucky"},
        {"response_format": "json"},
        {"response_format": {"type": "xml"}},
        {"response_format": {"type": "json_schema"}},
    ],
)
def test_what_has_not_openais_shape_is_refused(options):
    with pytest.raises(RequestRefused):
        request(**options)


WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "获取给定位置的当前天气"}}


def last_words(question, **options):
    return request(messages=[{"role": "user", "content": question}], **options)["messages"][-1]["content"]


def test_a_question_in_chinese_is_reminded_of_the_function_it_shares_a_word_with():
    assert "get_weather" in last_words("波士顿的天气怎么样?", tools=[WEATHER])


@pytest.mark.parametrize("question", ["你好", "What is the weather in Boston?", ""])
def test_other_questions_stay_as_they_are(question):
    assert last_words(question, tools=[WEATHER]) == question


@pytest.mark.parametrize("choice", ["none", "required"])
def test_nothing_is_reminded_of_where_nothing_is_to_be_decided(choice):
    assert last_words("波士顿的天气怎么样?", tools=[WEATHER], tool_choice=choice) == "波士顿的天气怎么样?"


def test_a_functions_answer_is_no_question():
    messages = [
        {"role": "user", "content": "波士顿的天气怎么样?"},
        {"role": "tool", "name": "get_weather", "content": "天气: 晴"},
    ]
    assert "tool_call" not in request(messages=messages, tools=[WEATHER])["messages"][-1]["content"]


def test_descriptions_reach_the_model_in_their_own_letters():
    assert "获取给定位置" in request(messages=HI, tools=[WEATHER])["messages"][0]["content"]
