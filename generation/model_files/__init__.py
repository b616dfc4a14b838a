"""The weights of the embedded engines: which there are, where they come from, and whether they are here.

A pure library over one folder: it knows neither Django nor the engines.
"""

from generation.model_files.errors import (
    CannotFetch,
    DamagedModelFile,
    MissingModelFile,
    ModelFileError,
    UnknownModelFile,
    UnknownSet,
)
from generation.model_files.fetching import fetch
from generation.model_files.folder import FileState, path_of, state, verify
from generation.model_files.manifest import SETS, Manifest, ModelFile, Part, load, shipped

__all__ = [
    "SETS",
    "CannotFetch",
    "DamagedModelFile",
    "FileState",
    "Manifest",
    "MissingModelFile",
    "ModelFile",
    "ModelFileError",
    "Part",
    "UnknownModelFile",
    "UnknownSet",
    "fetch",
    "load",
    "path_of",
    "shipped",
    "state",
    "verify",
]
