"""What can go wrong with model files.

ModelFileError
├── BadManifest          the manifest contradicts itself
├── UnknownSet           no set has this name
├── UnknownModelFile     no file of the manifest has this name
├── MissingModelFile     the file is not in the model folder
├── DamagedModelFile     the file is there and its bytes are not the right ones
├── CannotFetch          no source had the file; says which were tried and what works without it
└── SourceFailed         one source could not give one file
"""

from collections.abc import Sequence


class ModelFileError(Exception):
    """The root: its text is one sentence for an operator."""


class BadManifest(ModelFileError):
    pass


class UnknownSet(ModelFileError):
    pass


class UnknownModelFile(ModelFileError):
    pass


class MissingModelFile(ModelFileError):
    pass


class DamagedModelFile(ModelFileError):
    pass


class SourceFailed(ModelFileError):
    pass


class CannotFetch(ModelFileError):
    """`tried` holds (source, reason) pairs in the order of trying."""

    def __init__(self, name: str, tried: Sequence[tuple[str, str]], without: str) -> None:
        self.name = name
        self.tried = tuple(tried)
        self.without = without
        attempts = "; ".join(f"{source}: {reason}" for source, reason in self.tried) or "no source is known"
        super().__init__(f"{name} could not be had. Tried: {attempts}. Without it {without}.")
