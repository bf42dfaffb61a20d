from . import diff

__all__ = [
    "diff",
]
