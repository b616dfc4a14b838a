"""Why a command ended without its result."""

REFUSED, USAGE, AWAY = 1, 2, 3


class Failure(Exception):
    """A sentence for the person at the terminal, and the exit code."""

    def __init__(self, message: str, code: int = REFUSED) -> None:
        super().__init__(message)
        self.code = code
