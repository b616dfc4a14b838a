"""Prompts, queries, JSON bodies and forms, read strictly: what two readers could understand differently is refused."""

import json
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict

from pollweb.lib.errors import BadRequest

FIELDS = 1000
DEPTH = 64
VALUES = 500_000
WHOLE = 2**63


def prompt_from_path(request: HttpRequest, prefix: str) -> str:
    """Everything in the path after `prefix`, percent-decoded once; slashes, newlines and dot segments as they came.

    BadRequest `invalid_prompt` for bytes that are not UTF-8, and for NUL.
    """
    raw: bytes = request.scope["raw_path"]  # type: ignore[attr-defined]
    try:
        prompt = unquote_to_bytes(raw[len(prefix) :]).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadRequest("The prompt in the path is not valid UTF-8.", code="invalid_prompt") from exc
    if "\0" in prompt:
        raise BadRequest("The prompt contains a NUL character.", code="invalid_prompt")
    return prompt


def query(request: HttpRequest) -> QueryDict:
    """The query string. BadRequest for bytes that are not UTF-8, NUL, and more than 1,000 fields."""
    text = request.META["QUERY_STRING"]
    return _often_read(text) if len(text) <= 500 else _read(text)


def _read(text: str) -> QueryDict:
    fields = QueryDict(mutable=True)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS) if text else []
    except UnicodeDecodeError as exc:
        raise BadRequest("The query string is not valid UTF-8.", code="invalid_parameter") from exc
    except ValueError as exc:
        raise BadRequest(f"The query string has more than {FIELDS} fields.", code="invalid_parameter") from exc
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise BadRequest("The query string contains a NUL character.", code="invalid_parameter")
        fields.appendlist(name, value)
    fields._mutable = False
    return fields


# Nobody can change a QueryDict that is not mutable, and a token was taken out before (identity.take_from_address).
_often_read = lru_cache(maxsize=2000)(_read)


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The body as a JSON object.

    BadRequest `invalid_json` for anything else: text that is not UTF-8, NaN and Infinity, integers beyond 64 bit,
    more than 64 levels or 500,000 values, NUL and lone surrogates in a string.
    """
    body = request.body
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise BadRequest(f"The body is not valid JSON: {exc}.", code="invalid_json") from exc
    if type(value) is not dict:
        raise BadRequest("The body must be a JSON object.", code="invalid_json")
    # The only way to write NUL in valid JSON. The same six characters may also follow an escaped backslash.
    _check(value, body, look_for_nul=b"\\u0000" in body)
    return value


def form(request: HttpRequest) -> tuple[QueryDict, MultiValueDict[str, UploadedFile]]:
    """The fields and files of a multipart/form-data body.

    BadRequest `invalid_form` for another type, a damaged body, too many fields or files, and NUL in a field.
    """
    if request.content_type != "multipart/form-data":
        raise BadRequest("The body must be multipart/form-data.", code="invalid_form")
    try:
        fields, files = request.POST, request.FILES
    except (MultiPartParserError, DjangoBadRequest, SuspiciousOperation, ValueError) as exc:
        raise BadRequest("The body is not valid multipart/form-data.", code="invalid_form") from exc
    if any("\0" in name or any("\0" in value for value in values) for name, values in fields.lists()):
        raise BadRequest("A field of the form contains a NUL character.", code="invalid_form")
    return fields, files


def _check(root: dict[str, Any], body: bytes, look_for_nul: bool) -> None:
    """What orjson lets pass. Level by level, so that no depth can exhaust the stack."""
    level: list[Any] = [root]
    depth = count = 0
    is_doubtful = False  # orjson reads an integer that is too large as a float
    while level:
        depth += 1
        if depth > DEPTH:
            raise BadRequest(f"The body is nested deeper than {DEPTH} levels.", code="invalid_json")
        below: list[Any] = []
        for container in level:
            is_dict = type(container) is dict
            if is_dict and look_for_nul and any("\0" in key for key in container):
                raise BadRequest("The body contains a NUL character.", code="invalid_json")
            count += len(container)
            for value in container.values() if is_dict else container:
                kind = type(value)
                if kind is str:
                    if look_for_nul and "\0" in value:
                        raise BadRequest("The body contains a NUL character.", code="invalid_json")
                elif kind is dict or kind is list:
                    below.append(value)
                elif kind is int:
                    if value >= WHOLE:
                        _refuse_integer()
                elif kind is float and not -WHOLE < value < WHOLE:
                    is_doubtful = True
        if count > VALUES:
            raise BadRequest(f"The body holds more than {VALUES} values.", code="invalid_json")
        level = below
    if is_doubtful:
        _check_integers(body)  # once, however many there are: it reads all of the body


def _refuse_integer() -> None:
    raise BadRequest("The body contains an integer beyond 64 bit.", code="invalid_json")


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -WHOLE <= int(digits) < WHOLE:
        _refuse_integer()
    return int(digits)


def _check_integers(body: bytes) -> None:
    try:
        json.loads(body, parse_int=_integer)
    except RecursionError as exc:
        raise BadRequest(f"The body is nested deeper than {DEPTH} levels.", code="invalid_json") from exc
