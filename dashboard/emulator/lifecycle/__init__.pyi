from . import process, serving
from .home import users_lock

__all__ = [
    "process",
    "serving",
    "users_lock",
]
