from tests.gallery.conftest import make

__all__ = ["make"]
