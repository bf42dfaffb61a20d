from . import call_outcomes, numbering_plan
from .destination import PREFIX_LENGTH, parse_tech_prefix, read_number, with_country_code
from .dial_string import build, lint, parse, parse_pop
from .trunk import Trunk

__all__ = [
    "PREFIX_LENGTH",
    "Trunk",
    "build",
    "call_outcomes",
    "lint",
    "numbering_plan",
    "parse",
    "parse_pop",
    "parse_tech_prefix",
    "read_number",
    "with_country_code",
]
