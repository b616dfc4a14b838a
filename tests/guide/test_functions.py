"""The samples of the guide that let the model call a function."""

import json

import pytest

from tests.guide.conftest import Runner
from tests.guide.test_guide import TOOLS, TOOLS_PROGRAM

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


def test_a_weather_question_calls_the_tool(runner: Runner) -> None:
    [choice] = json.loads(runner.run(TOOLS))["choices"]
    [call] = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert call["function"]["name"] == "get_current_weather"
    assert json.loads(call["function"]["arguments"])["location"]


def test_the_tool_conversation_comes_to_its_end(runner: Runner) -> None:
    printed = runner.run(TOOLS_PROGRAM)
    assert "--- 正在执行 get_current_weather(location='" in printed
    assert printed.partition("最终助手消息: ")[2].strip()
