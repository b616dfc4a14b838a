"""System checks: what the operator's design says that cannot work, each with an id and a hint."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from generation import label, logo, model_files
from generation.providers import registry
from generation.providers.registry import KINDS

DESIGN = "design"  # the tag of what `up` looks at before it starts anything


@register(DESIGN)
def providers_are_of_known_kinds(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"providers.{name}.kind is {provider.kind!r}; known are {', '.join(KINDS)}.",
            hint="Correct it in pollweb.toml.",
            id="generation.E001",
        )
        for name, provider in settings.DESIGN.providers.items()
        if provider.kind not in KINDS
    ]


@register(DESIGN)
def providers_can_be_called(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An address that is none, a key that is not there, a word that is unknown."""
    found: list[CheckMessage] = []
    for name, provider in settings.DESIGN.providers.items():
        if provider.kind not in KINDS:
            continue
        try:
            registry.build(name, provider.model_dump())
        except ImproperlyConfigured as exc:
            hint = "Correct its table in pollweb.toml, or set the variable that holds its key."
            found.append(Error(f"providers.{name} cannot be used: {exc}", hint=hint, id="generation.E003"))
    return found


@register(DESIGN)
def logo_is_a_picture(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    file = logo.path()
    if file is None or logo.is_readable(file):
        return []
    return [
        Error(
            f"site.logo is {settings.DESIGN.site.logo!r}, which is no picture that can be read.",
            hint="Name a PNG file below POLLWEB_HOME, or remove the line from pollweb.toml.",
            id="generation.E002",
        )
    ]


@register(DESIGN)
def label_can_be_written(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        lacking = label.lacking(label.current())
    except OSError:
        said = f"marking.font is {settings.DESIGN.marking.font!r}, which is no font that can be read."
        hint = "Name a TrueType or OpenType file below POLLWEB_HOME, or remove the line from pollweb.toml."
        return [Error(said, hint=hint, id="generation.E004")]
    if not lacking:
        return []
    said = f"marking.label is {label.current()!r}, and the font has no {' '.join(lacking)}."
    return [Error(said, hint="Name a font that has it as marking.font in pollweb.toml.", id="generation.E005")]


@register(deploy=True)
def model_files_are_here(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Only for `check --deploy`: a fresh machine is allowed to have none yet."""
    if not any(provider.kind == "local" for provider in settings.DESIGN.providers.values()):
        return []
    missing = [f.name for f in model_files.state(settings.MODEL_FOLDER, settings.MODEL_SET) if f.state != "ready"]
    return [
        Warning(
            f"The model file {name} is not here; its engine answers 503.",
            hint="Fetch it: manage.py models fetch",
            id="generation.W001",
        )
        for name in missing
    ]


@register(deploy=True)
def holes_in_the_fetcher_are_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.FETCH_ALLOW:
        return []
    return [
        Warning(
            f"POLLWEB_FETCH_ALLOW lets users' addresses reach {', '.join(settings.FETCH_ALLOW)}.",
            hint="Leave it empty where users are not trusted.",
            id="generation.W002",
        )
    ]
