from .entry_point import app, main

__all__ = [
    "app",
    "main",
]
