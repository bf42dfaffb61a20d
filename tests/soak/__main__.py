"""
Long tests of ``make soak``: every part, or the one named by ``PART``.

A part is a module of this folder with a function ``main() -> str``, which returns one line that states what ran and how
often, and raises on a failure. To add a part, add its file.
"""

from __future__ import annotations

import logging
import sys
import time
from importlib import import_module
from pathlib import Path


def parts() -> list[str]:
    """Return the names of the parts, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main(names: list[str]) -> int:
    """Run the named parts, or all; return 2 for an unknown name."""
    known = parts()
    if wrong := [name for name in names if name not in known]:
        print(f"There is no part {', '.join(wrong)}. The parts are: {', '.join(known)}.", file=sys.stderr)  # noqa: T201 - a program of its own
        return 2
    logging.basicConfig(level=logging.ERROR)  # the parts provoke warnings on purpose
    for name in names or known:
        print(f"{name}: started", flush=True)  # noqa: T201 - a program of its own
        start = time.monotonic()
        line = import_module(f"tests.soak.{name}").main()
        print(f"{name}: {line} ({time.monotonic() - start:,.0f} s)", flush=True)  # noqa: T201 - a program of its own
    return 0


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if name]))
