"""A field for the functions that a model may call: JSON in OpenAI's shape, each mistake told in a sentence."""

import re
from typing import Any

import orjson
from django import forms
from django.utils.translation import gettext as _

from generation.wire.tools import MOST_TOOLS

LONGEST = 32_000  # characters
EXAMPLE = """[{"type": "function", "function": {
  "name": "weather",
  "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}
}}]"""
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # as OpenAI has it


class Tools(forms.CharField):
    """Clean, it is the list of the tools; empty where there are none."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=LONGEST, **kwargs)

    def clean(self, value: Any) -> list[dict[str, Any]]:
        text = super().clean(value)
        return read(text) if text else []


def shown(tools: Any) -> str:
    """As the field has them."""
    return orjson.dumps(tools, option=orjson.OPT_INDENT_2).decode() if tools else ""


def read(text: str) -> list[dict[str, Any]]:
    """The tools in a text. ValidationError for the first mistake."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        told = {"line": error.lineno, "column": error.colno, "reason": error.msg}
        raise forms.ValidationError(
            _("This is not JSON: line %(line)s, column %(column)s: %(reason)s.") % told
        ) from error
    if not isinstance(given, list) or not all(isinstance(tool, dict) for tool in given):
        raise forms.ValidationError(_("Give a list of tools: [{…}, {…}]."))
    if len(given) > MOST_TOOLS:
        raise forms.ValidationError(_("Up to %(most)s tools can be given.") % {"most": MOST_TOOLS})
    names: set[str] = set()
    for number, tool in enumerate(given, 1):
        if problem := _problem(tool, number):
            raise forms.ValidationError(problem)
        if (name := tool["function"]["name"]) in names:
            raise forms.ValidationError(_("Two tools are called %(name)s.") % {"name": name})
        names.add(name)
    return given


def _problem(tool: dict[str, Any], number: int) -> str:
    """What is wrong with it; nothing when it can be sent."""
    nth = {"n": number}
    function = tool.get("function")
    if tool.get("type") != "function" or not isinstance(function, dict):
        return _('Tool %(n)s must look like {"type": "function", "function": {…}}.') % nth
    name = function.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return _("The name of tool %(n)s must be 1 to 64 letters, digits, dashes or underscores.") % nth
    if not isinstance(function.get("description", ""), str):
        return _("The description of tool %(n)s must be a text.") % nth
    parameters = function.get("parameters", {})
    if not isinstance(parameters, dict):
        return _("The parameters of tool %(n)s must be a JSON schema: an object in braces.") % nth
    return _problem_of_schema(parameters, number)


def _problem_of_schema(schema: dict[str, Any], number: int) -> str:
    from jsonschema import Draft202012Validator  # with all its formats it takes a second to import
    from jsonschema.exceptions import best_match

    try:
        wrong = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    except RecursionError:
        return _("The parameters of tool %(n)s are nested too deeply.") % {"n": number}
    if wrong is None:
        return ""
    where = " → ".join(map(str, wrong.absolute_path))
    told = {"n": number, "where": where or "{…}", "reason": wrong.message[:200]}
    return _("The parameters of tool %(n)s are not a JSON schema. At %(where)s: %(reason)s.") % told
