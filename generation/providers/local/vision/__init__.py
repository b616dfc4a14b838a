"""Looking at pictures with small networks: ImageNet tags, words by OCR, main colours, size. No understanding.

No captioning model has weights in a package, so a chat model words these facts.
"""

from generation.providers.local.vision.errors import ModelDamaged, ModelMissing, VisionError
from generation.providers.local.vision.looking import Facts, VisionEngine, instructions
from generation.providers.local.vision.tags import Tag, Tagger

__all__ = [
    "Facts",
    "ModelDamaged",
    "ModelMissing",
    "Tag",
    "Tagger",
    "VisionEngine",
    "VisionError",
    "instructions",
]
