from . import calls, losses

__all__ = [
    "calls",
    "losses",
]
