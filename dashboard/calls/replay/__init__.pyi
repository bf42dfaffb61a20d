from . import undecided
from .refusals import admission_proofs, is_judged_as_now
from .replayer import replay

__all__ = [
    "admission_proofs",
    "is_judged_as_now",
    "replay",
    "undecided",
]
