"""What the tests of the engines share."""

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Where the embedded engines' model files are: POLLWEB_MODELS_DIR, or var/models in the checkout."""
    return Path(os.environ.get("POLLWEB_MODELS_DIR") or CHECKOUT / "var" / "models")
