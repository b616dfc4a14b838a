"""Pictures that somebody else made, turned into pictures of our own: decoded apart from us, and written anew."""

from generation.pictures.reading import MOST_SECONDS, Picture, read

__all__ = ["MOST_SECONDS", "Picture", "read"]
