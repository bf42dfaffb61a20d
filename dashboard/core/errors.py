"""
Exceptions that the dashboard raises deliberately.

A message names the file, line, column, field or endpoint and the remedy, and can be shown to an
operator unchanged. Pages and the command line catch ``DashboardError`` and nothing wider.

    DashboardError
    ├── SettingsError                invalid environment or settings file
    ├── TableError                   a frame violates its contract
    ├── InputError                   an unusable value or file from the operator
    │   ├── AddressError             an address that is not valid on the allow list
    │   ├── DialStringError          an invalid tech prefix, number or dial string
    │   ├── WritingError             a PBX configuration that is incomplete or cannot be written
    │   ├── StaleInputError          an edit of data that somebody else changed after it was shown
    │   └── FileError                an unusable file, with line and column where known
    ├── CarrierError                 a failed carrier request, by endpoint
    │   ├── CarrierUnavailableError  temporary failure: try again
    │   ├── CarrierRefusedError      the carrier declined the request
    │   ├── CarrierAnswerError       invalid or unexpected response
    │   └── CapabilityError          not offered by the carrier's API
    ├── SourceError                  a running system that the inventory is read from, by its address
    │   ├── SourceUnavailableError   temporary failure: try again
    │   ├── SourceRefusedError       login or request declined
    │   └── SourceAnswerError        invalid or unexpected response
    ├── StoreError                   the call store on disk
    │   └── DamagedFileError         a missing or damaged file of one day
    ├── StateError                   the state database
    │   ├── JournalError             broken hash chain in the journal
    │   └── LockError                a lock file that cannot be used
    ├── BusyError                    another process holds a required resource
    └── FixError
        ├── UnknownFindingError      unknown check or subject, or nothing to fix
        ├── StalePlanError           the account changed after the plan was shown
        ├── NotConfirmedError        the typed confirmation is missing
        └── NotVerifiedError         the change is not visible when the account is read again
"""

from __future__ import annotations

from dashboard.core.text import visible


class DashboardError(Exception):
    """Base class of all exceptions that the dashboard raises deliberately."""

    def __init__(self, message: str = "") -> None:
        """
        Store the message, with control characters and bidirectional marks replaced.

        Args:
            message: Sentence for the operator; it may contain untrusted names of files, fields and PBXs.
        """
        super().__init__(visible(message))


class SettingsError(DashboardError):
    """An environment variable or the settings file is invalid."""


class TableError(DashboardError):
    """A frame violates its contract."""


class InputError(DashboardError):
    """A value or a file from the operator cannot be used."""


class AddressError(InputError):
    """An address is not valid on the allow list."""


class DialStringError(InputError):
    """A tech prefix, number or dial string that the carrier would not accept."""


class WritingError(InputError):
    """A PBX configuration lacks required values, or its values cannot be written."""


class StaleInputError(InputError):
    """Somebody else changed the data after it was shown; their change was not overwritten."""


class FileError(InputError):
    """A file cannot be used, as a whole or at one line or column."""

    def __init__(self, message: str, *, file: str, line: int | None = None, column: str = "") -> None:
        """
        Prefix the message with the file, line and column.

        Args:
            message: The fault and its remedy, as a sentence.
            file: File name as the operator knows it.
            line: Physical line number, from 1.
            column: Column name.
        """
        self.file = file
        self.line = line
        self.column = column
        location = file if line is None else f"{file}, line {line}"
        super().__init__(f"{location}{f', column {column}' if column else ''}: {message}")


class CarrierError(DashboardError):
    """A request to the carrier failed."""


class CarrierUnavailableError(CarrierError):
    """The carrier is temporarily unavailable; the same request may succeed later."""


class CarrierRefusedError(CarrierError):
    """The carrier understood the request and declined it."""


class CarrierAnswerError(CarrierError):
    """The carrier's response is invalid or unexpected; none of it was used."""


class CapabilityError(CarrierError):
    """The carrier offers no API for the operation."""


class SourceError(DashboardError):
    """Reading the inventory from a running system failed."""


class SourceUnavailableError(SourceError):
    """The system is temporarily unavailable; the same request may succeed later."""


class SourceRefusedError(SourceError):
    """The system declined the login or the request."""


class SourceAnswerError(SourceError):
    """The system's response is invalid or unexpected; none of it was used."""


class StoreError(DashboardError):
    """The call store on disk cannot be read or written."""


class DamagedFileError(StoreError):
    """A file of one day of the call store is missing or damaged; other days can be read."""


class StateError(DashboardError):
    """The state database cannot be read or written."""


class JournalError(StateError):
    """The journal's hash chain is broken."""


class LockError(StateError):
    """A lock file cannot be opened or locked, for a reason other than another process that holds it."""


class BusyError(DashboardError):
    """Another process holds a required resource."""


class FixError(DashboardError):
    """A fix was not applied."""


class UnknownFindingError(FixError):
    """The check or subject does not exist, or there is nothing to fix."""


class StalePlanError(FixError):
    """The account changed after the plan was shown."""


class NotConfirmedError(FixError):
    """The plan requires a typed confirmation that is missing."""


class NotVerifiedError(FixError):
    """The change is not visible when the account is read again."""
