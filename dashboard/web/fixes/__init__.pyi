from . import review

__all__ = [
    "review",
]
