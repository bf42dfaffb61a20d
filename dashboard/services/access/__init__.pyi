from . import links

__all__ = [
    "links",
]
