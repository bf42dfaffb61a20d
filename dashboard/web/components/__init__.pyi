from . import empty_states, entrance, header, page_titles, tables

__all__ = [
    "empty_states",
    "entrance",
    "header",
    "page_titles",
    "tables",
]
