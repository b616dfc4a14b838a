"""A chat-completions request as the engine is asked: which messages, which settings, which grammar."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from generation.providers.local.chat.errors import RequestRefused
from generation.providers.local.chat.messages import Message, normalise, shorten
from generation.providers.local.chat.tools import Tools, tools_of

MAX_TOKENS = 512
# The sampling that the default model's publisher ships with it (generation_config.json of Qwen2.5-Coder-0.5B-Instruct).
SAMPLING = {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "repeat_penalty": 1.1}
JSON_REPEAT_PENALTY = 1.05  # JSON repeats its quotes and keys by nature; with none at all strings run in circles
JSON_INSTRUCTIONS = "Answer with one short JSON object."
PASSED_ON = (*SAMPLING, "min_p", "presence_penalty", "frequency_penalty", "stop")
SEEDS = 2**32 - 1  # the engine reads 2**32 - 1 itself as "any seed"


@dataclass(frozen=True)
class Plan:
    messages: tuple[Message, ...]
    settings: dict[str, Any]
    tools: Tools
    max_tokens: int
    context: int

    @classmethod
    def of(cls, body: dict[str, Any], context: int) -> "Plan":
        """Read a request. Raises RequestRefused."""
        if not isinstance(body.get("messages"), list | tuple):
            raise RequestRefused("messages must be a list")
        tools = tools_of(body)
        grammar = _grammar(body, tools)
        instructions = JSON_INSTRUCTIONS if grammar and not tools.forced else tools.instructions
        messages = normalise(body["messages"], instructions)
        if body["messages"] and body["messages"][-1].get("role", "user") == "user":
            question = messages[-1]
            messages[-1] = {**question, "content": question["content"] + tools.reminder(question["content"])}
        return cls(
            messages=tuple(messages),
            settings=_settings(body, grammar),
            tools=tools,
            max_tokens=_max_tokens(body, context),
            context=context,
        )

    @property
    def room(self) -> int:
        """Tokens that the prompt may take so that the answer finds its place."""
        return self.context - min(self.max_tokens, self.context // 4)

    @property
    def can_be_shortened(self) -> bool:
        return sum(message["role"] != "system" for message in self.messages) > 1

    def shortened(self, tokens: int) -> "Plan":
        """Without the oldest turns. Raises ContextTooLong."""
        return dataclasses.replace(self, messages=tuple(shorten(self.messages, tokens, self.room, self.context)))

    def request(self) -> dict[str, Any]:
        """The body for the engine."""
        return {
            "messages": list(self.messages),
            "max_tokens": self.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "timings_per_token": True,  # counts tokens also for an answer that is stopped
            "return_progress": True,  # looks in between while the prompt is read
            **self.settings,
        }


def _settings(body: dict[str, Any], grammar: dict[str, Any] | None) -> dict[str, Any]:
    given = {name: body[name] for name in PASSED_ON if body.get(name) is not None}
    settings = {**SAMPLING, **given}
    seed = body.get("seed")
    if seed is not None and seed != -1:
        if not isinstance(seed, int):
            raise RequestRefused("seed must be an integer")
        settings["seed"] = seed % SEEDS
        # What is read from the cache differs in the last bits from what is computed anew, and so does the answer.
        settings["cache_prompt"] = False
    if grammar:
        settings["response_format"] = grammar
        settings["repeat_penalty"] = given.get("repeat_penalty", JSON_REPEAT_PENALTY)
    return settings


def _grammar(body: dict[str, Any], tools: Tools) -> dict[str, Any] | None:
    if tools.forced:
        return {"type": "json_schema", "json_schema": {"name": "call", "schema": tools.schema()}}
    wanted = body.get("response_format")
    if wanted is None:
        return None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise RequestRefused("response_format.type must be text, json_object or json_schema")
    if kind == "json_schema" and not isinstance((wanted.get("json_schema") or {}).get("schema"), dict):
        raise RequestRefused("response_format.json_schema.schema must be a JSON schema")
    return None if kind == "text" else wanted


def _max_tokens(body: dict[str, Any], context: int) -> int:
    wanted = body.get("max_completion_tokens") or body.get("max_tokens") or MAX_TOKENS
    if not isinstance(wanted, int) or wanted < 1:
        raise RequestRefused("max_tokens must be a positive integer")
    return min(wanted, context)
