import pytest

from tests.accounts.conftest import Cast, call_the_cast, cast

__all__ = ["cast"]


@pytest.fixture
def cast_for_work(working: object, transactional_db: None) -> Cast:
    """The same people, seen by the workers' threads too."""
    return call_the_cast()
