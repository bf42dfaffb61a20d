from . import facts
from .config_folder import Folder
from .secrets import report_secrets
from .text_records import text_of

__all__ = [
    "Folder",
    "facts",
    "report_secrets",
    "text_of",
]
