from . import pasted

__all__ = [
    "pasted",
]
