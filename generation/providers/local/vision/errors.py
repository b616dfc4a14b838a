"""What can go wrong while looking.

VisionError
├── ModelMissing   the file of weights is not there
└── ModelDamaged   it is there and is none
"""


class VisionError(Exception):
    """A message for people, without paths."""


class ModelMissing(VisionError):
    pass


class ModelDamaged(VisionError):
    pass
