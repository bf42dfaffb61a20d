"""
Standard streams of the program: closed ones are replaced, a reader that ends early ends the command.

Without a replacement for a closed stream, the next file that the program opens gets its number, and whatever is printed
goes into that file.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from typing import Any, Final, TextIO

OUTPUT_CLOSED: Final = 141
"""Exit status when the reader of an output has ended, as in ``| head -1``: that of a program that SIGPIPE ends."""
NAMES: Final = {1: "standard output", 2: "standard error"}
ESCAPES: Final = "trunkgate-escapes"
"""Name of the error handler that writes characters which an encoding lacks as JSON escapes."""


def prepare() -> None:
    """
    Make the standard streams usable, however the program was started.

    A closed stream is replaced by an empty one. A character that the encoding of an output lacks is written as an
    escape, which is valid in JSON. Writing to a pipe without a reader exits with ``OUTPUT_CLOSED``.
    """
    codecs.register_error(ESCAPES, _escape)
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - open as long as the program runs
    if os.name == "posix":  # the console of Windows has streams of its own
        sys.stdout = _output(sys.stdout, 1)
        sys.stderr = _output(sys.stderr, 2)


def flush() -> None:
    """
    Write what is still buffered, so that a failure changes the exit status.

    Raises:
        OSError: An output cannot be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()


def _output(stream: TextIO | None, number: int) -> TextIO:
    """Return a stream that writes to a file descriptor, with the encoding of the stream that it replaces."""
    if stream is not None:
        stream.flush()
    errors = getattr(stream, "errors", None) or "strict"
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(number, "w", closefd=False)),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors=ESCAPES if errors == "strict" else errors,
        line_buffering=getattr(stream, "line_buffering", False),
    )


class _Output(io.FileIO):
    """File of an output; without a reader it ends the program, and discards what is written after that."""

    def write(self, data: Any, /) -> int:
        """
        Write bytes; exit with ``OUTPUT_CLOSED`` if nobody can read them.

        Raises:
            OSError: They cannot be written, such as to a full disk; the file name is that of the stream.
        """
        try:
            return super().write(data) or 0
        except OSError as exc:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if isinstance(exc, BrokenPipeError):
                raise SystemExit(OUTPUT_CLOSED) from None
            raise OSError(exc.errno, exc.strerror, NAMES[self.fileno()]) from None


def _escape(fault: UnicodeError) -> tuple[str, int]:
    """Return the characters that cannot be encoded as JSON escapes, and the position after them."""
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    return json.dumps(fault.object[fault.start : fault.end])[1:-1], fault.end
