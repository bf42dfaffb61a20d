from . import session

__all__ = [
    "session",
]
