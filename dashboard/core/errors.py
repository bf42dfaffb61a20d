"""
Every error raised on purpose.

A message names the file, line, column, field or endpoint and the cure, and can be shown to an
operator as it stands. Pages and the command line catch ``DashboardError`` and nothing wider.

    DashboardError
    ├── SettingsError                the environment or a settings file is wrong
    ├── TableError                   a frame does not keep its contract
    ├── InputError                   a value or a file somebody gave cannot be used
    │   ├── AddressError             an address that cannot stand on the allow list
    │   ├── DialStringError          a tech prefix, number or dial string
    │   ├── WritingError             what a PBX's configuration is to say is not known, or cannot be written
    │   └── FileError                a file, with line and column where known
    ├── CarrierError                 the carrier, by endpoint
    │   ├── CarrierUnavailableError  for now: try again
    │   ├── CarrierRefusedError      it said no, and said why
    │   ├── CarrierAnswerError       it answered something that is not understood
    │   └── CapabilityError          it cannot do that by program
    ├── SourceError                  a running system that the inventory is read from, by its address
    │   ├── SourceUnavailableError   for now: try again
    │   ├── SourceRefusedError       it did not let us in, or said no
    │   └── SourceAnswerError        it answered something that is not understood
    ├── StoreError                   the call store on disk
    ├── StateError                   the state database
    │   └── JournalError             the journal's chain does not hold
    ├── BusyError                    another process holds what is needed
    └── FixError
        ├── UnknownFindingError      no such check, subject, or nothing to fix
        ├── StalePlanError           the account moved after the plan was shown
        ├── NotConfirmedError        the plan asks for a typed confirmation
        └── NotVerifiedError         re-reading the account did not show the change
"""

from __future__ import annotations

from dashboard.core.text import visible


class DashboardError(Exception):
    """Root of every error raised on purpose."""

    def __init__(self, message: str = "") -> None:
        """
        Keep the message without characters that a terminal would obey or that turn a line around.

        Args:
            message: The sentence for the operator; names of files, fields and PBXs in it come from outside.
        """
        super().__init__(visible(message))


class SettingsError(DashboardError):
    """The environment or a settings file is wrong."""


class TableError(DashboardError):
    """A frame does not keep its contract."""


class InputError(DashboardError):
    """A value or a file that somebody gave cannot be used."""


class AddressError(InputError):
    """An address that cannot stand on the allow list."""


class DialStringError(InputError):
    """A tech prefix, a number or a dial string that the carrier would not take."""


class WritingError(InputError):
    """What a PBX's configuration is to say is not known, or cannot be written."""


class FileError(InputError):
    """A file that cannot be used, or a place in it."""

    def __init__(self, message: str, *, file: str, line: int | None = None, column: str = "") -> None:
        """
        Name the place in front of the message.

        Args:
            message: What is wrong and what to do, as a sentence.
            file: Name of the file as the operator knows it.
            line: Physical line, counted from 1.
            column: Name of the column.
        """
        self.file, self.line, self.column = file, line, column
        place = file if line is None else f"{file}, line {line}"
        super().__init__(f"{place}{f', column {column}' if column else ''}: {message}")


class CarrierError(DashboardError):
    """The carrier did not do what was asked."""


class CarrierUnavailableError(CarrierError):
    """The carrier cannot answer for now; the same request may succeed later."""


class CarrierRefusedError(CarrierError):
    """The carrier understood the request and declined it."""


class CarrierAnswerError(CarrierError):
    """The carrier answered something that is not understood; nothing was taken from it."""


class CapabilityError(CarrierError):
    """The carrier offers no way to do that by program."""


class SourceError(DashboardError):
    """A running system that the inventory is read from did not give it."""


class SourceUnavailableError(SourceError):
    """The system cannot answer for now; asking again may succeed later."""


class SourceRefusedError(SourceError):
    """The system did not let us in, or declined what was asked."""


class SourceAnswerError(SourceError):
    """The system answered something that is not understood; nothing was taken from it."""


class StoreError(DashboardError):
    """The call store on disk cannot be read or written."""


class StateError(DashboardError):
    """The state database cannot be read or written."""


class JournalError(StateError):
    """The journal's chain of hashes does not hold."""


class BusyError(DashboardError):
    """Another process holds what is needed."""


class FixError(DashboardError):
    """A fix was not carried out."""


class UnknownFindingError(FixError):
    """There is no such check or subject, or nothing to fix."""


class StalePlanError(FixError):
    """The account moved after the plan was shown."""


class NotConfirmedError(FixError):
    """The plan asks for a typed confirmation that was not given."""


class NotVerifiedError(FixError):
    """Re-reading the account after the change did not show it."""
