"""The kinds of providers, and the operator's providers built from them."""

from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from generation.providers.base import Provider

# Dotted paths, so that a process that makes nothing imports no engine.
KINDS = {
    "pollinations": "generation.providers.pollinations.provider.Pollinations",
    "openai": "generation.providers.openai_compatible.provider.OpenAICompatible",
    "local": "generation.providers.local.provider.Local",
}


def build(name: str, options: dict[str, Any]) -> Provider:
    kind = options.get("kind", "")
    path = KINDS.get(kind)
    if path is None:
        raise ImproperlyConfigured(f"providers.{name}.kind is {kind!r}; known are {', '.join(KINDS)}.")
    module, _, attribute = path.rpartition(".")
    made: Provider = getattr(import_module(module), attribute)(name, {k: v for k, v in options.items() if k != "kind"})
    return made


@cache
def provider(name: str) -> Provider:
    """The operator's provider of this name; one object for the life of the process."""
    return build(name, settings.DESIGN.providers[name].model_dump())


@cache
def is_local(name: str) -> bool:
    """Made on this very machine, so that its work belongs to the engine queue."""
    return settings.DESIGN.providers[name].kind == "local"
