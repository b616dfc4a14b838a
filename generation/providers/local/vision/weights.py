"""Weights in PyTorch's old file format, read without PyTorch and without running anything that is in the file.

Four pickles (magic number, protocol, system, tensors by name), a list of storage keys, then each storage: its number of
elements as eight bytes, and the elements (torch/serialization.py, `_legacy_save`). Only the few names that tensors need
can be unpickled.
"""

import collections
import pickle
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from generation.providers.local.vision.errors import ModelDamaged, ModelMissing

STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Tensor(NamedTuple):
    storage: tuple[str, str]  # kind and key
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name == "OrderedDict":
            return collections.OrderedDict
        if name in STORAGES:
            return name
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, shape, strides, *_: Tensor(storage, offset, shape, strides)
        raise pickle.UnpicklingError(name)

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        return pid[1], pid[2]


def load(path: Path) -> dict[str, np.ndarray]:
    """Every tensor by its name. Raises ModelMissing, ModelDamaged."""
    try:
        with path.open("rb") as file:
            *_, tensors = (_Reader(file).load() for _ in range(4))
            kinds = {tensor.storage[1]: tensor.storage[0] for tensor in tensors.values()}
            storages = {}
            for key in _Reader(file).load():
                (count,) = struct.unpack("<q", file.read(8))
                dtype = np.dtype(STORAGES[kinds[key]])
                storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
            return {name: _array(tensor, storages[tensor.storage[1]]) for name, tensor in tensors.items()}
    except FileNotFoundError as exc:
        raise ModelMissing(f"the model file {path.name} is not there; `manage.py models fetch` brings it") from exc
    except (pickle.UnpicklingError, struct.error, ValueError, KeyError, EOFError, AttributeError, TypeError) as exc:
        raise ModelDamaged(f"the model file {path.name} does not load; `manage.py models verify` checks it") from exc


def _array(tensor: Tensor, storage: np.ndarray) -> np.ndarray:
    """Its elements in the order of its shape: the file may hold them in another (strides count elements)."""
    reach = sum((side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True))
    if tensor.offset < 0 or min((*tensor.shape, *tensor.strides), default=1) < 0:
        raise ValueError("a tensor has a negative size")
    if tensor.offset + reach >= storage.size:
        raise ValueError("a tensor reaches beyond its storage")
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides).copy()
