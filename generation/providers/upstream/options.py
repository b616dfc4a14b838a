"""What an operator says of a remote provider in its table of pollweb.toml."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import httpx
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generation.providers.upstream.calls import Upstream

Seconds = Annotated[float, Field(gt=0, le=3600)]


class RemoteOptions(BaseModel):
    """Common to all remote kinds. The key is read from the environment or a file, never from the table itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key_env: str = ""
    api_key_file: str = ""
    headers: dict[str, str] = {}
    list_models: bool = False
    list_pack: Literal["basic", "standard", "advanced"] = "basic"
    max_parallel: Annotated[int, Field(ge=1, le=10_000)] = 16
    first_byte: Seconds = 10
    whole_first_byte: Seconds = 60
    idle: Seconds = 30

    @classmethod
    def read(cls, name: str, options: dict[str, Any]) -> Self:
        """ImproperlyConfigured says, in one sentence each, what is wrong with the table."""
        try:
            return cls.model_validate(options)
        except ValidationError as exc:
            raise ImproperlyConfigured(" ".join(_sentence(cls, name, error) for error in exc.errors())) from exc

    @property
    def key_variable(self) -> str:
        return self.api_key_env

    def key(self) -> str:
        """The key, or "" where none is needed. ImproperlyConfigured when it was named and is not there."""
        if self.key_variable:
            if key := os.environ.get(self.key_variable, "").strip():
                return key
            raise ImproperlyConfigured(f"{self.key_variable}, which is to hold a provider's key, is not set.")
        if self.api_key_file:
            try:
                return Path(self.api_key_file).expanduser().read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as exc:
                raise ImproperlyConfigured(f"{self.api_key_file}, a provider's key, cannot be read: {exc}.") from exc
        return ""

    def upstream(self, name: str, base_url: str) -> Upstream:
        """ImproperlyConfigured when the address is none, or the key is not there."""
        url = httpx.URL(base_url) if base_url.isprintable() else httpx.URL("")
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            raise ImproperlyConfigured(f"providers.{name}: {base_url!r} is no http or https address.")
        key = self.key()
        return Upstream(
            name,
            base_url,
            headers={**({"Authorization": f"Bearer {key}"} if key else {}), **self.headers},
            max_parallel=self.max_parallel,
            first_byte=self.first_byte,
            whole_first_byte=self.whole_first_byte,
            idle=self.idle,
        )


def _sentence(table: type[BaseModel], name: str, error: Any) -> str:
    key = f"providers.{name}.{'.'.join(str(step) for step in error['loc'])}"
    if error["type"] == "missing":
        return f"{key} is missing."
    if error["type"] == "extra_forbidden":
        return f"{key} is not a known key. Known there: {', '.join(table.model_fields)}."
    return f"{key} is {error['input']!r}; {error['msg'][0].lower()}{error['msg'][1:]}."
