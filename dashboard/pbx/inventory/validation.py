"""
Validation of text rows: valid rows become frames, each invalid row becomes a problem.

Cells are validated one by one, then rows against each other: an id, an X-Tag and a number belong to one PBX, and
addresses and numbers belong to a known PBX. Several PBXs may share an address (behind one NAT) unless it is
observed; an observed address belongs to one PBX at a time. Configured and declared addresses are validated separately.
An id that was derived from a name belongs to that name: nothing of another PBX with the same id is accepted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby
from typing import Any

import pandas as pd

from dashboard import schemas
from dashboard.core.errors import InputError
from dashboard.pbx.inventory.cells import RULES, assumed_number, read_cell
from dashboard.pbx.inventory.rows import (
    CONFIG_FRAME,
    EDITABLE_FRAMES,
    READER_FRAMES,
    Inventory,
    InventoryRow,
    Problem,
    are_different_pbxs,
    key_of,
    location_text,
)

EARLIEST = pd.Timestamp.min.tz_localize("UTC")
LATEST = pd.Timestamp.max.tz_localize("UTC")


def validate(
    rows: Iterable[InventoryRow],
    *,
    treated_as_public: Collection[str] = (),
    known_ids: Collection[str] = (),
    problems: Sequence[Problem] = (),
    notes: Sequence[Problem] = (),
) -> Inventory:
    """
    Validate rows and build frames from the valid ones.

    Args:
        rows: Rows in file order. The rows of one line are accepted or rejected together, except that an invalid
            number rejects only itself.
        treated_as_public: Special-purpose networks in CIDR notation to treat as public.
        known_ids: Ids of PBXs already in the inventory.
        problems: Problems from the readers; listed first in the result.
        notes: Notes from the readers about omissions that cost no row; also listed first.

    Returns:
        All inventory frames, conformed, and the problems of the rejected rows.
    """
    settling = _Settling(treated_as_public, known_ids, list(problems), list(notes))
    accepted: list[tuple[InventoryRow, dict[str, Any]]] = []
    columns_of_frame: dict[str, frozenset[str]] = {}
    given_of: dict[tuple[str, ...], frozenset[str]] = {}
    for _, line in groupby(rows, key=lambda row: (row.file, row.line, row.if_fit)):
        parts = list(line)
        before = len(settling.problems)
        accepted += settling.line(parts)
        settling.forget(before, parts)
        columns_of_frame |= {
            row.frame: columns_of_frame.get(row.frame, frozenset()) | frozenset(row.cells) for row in parts
        }
    frames: dict[str, list[dict[str, Any]]] = {name: [] for name in READER_FRAMES}
    for name in READER_FRAMES:
        for row, values in accepted:
            before = len(settling.problems)
            if row.frame == name and settling.fits(row, values):
                frames[name].append(values)
                if name in EDITABLE_FRAMES:
                    given_of[name, *key_of(name, values)] = frozenset(row.cells) - row.only_new
            settling.forget(before, [row])
    conformed = {
        name: schemas.conform(pd.DataFrame(records), schemas.FRAMES[name], source="the inventory")
        if records
        else schemas.empty(schemas.FRAMES[name])
        for name, records in frames.items()
    }
    return Inventory(conformed, settling.problems, columns_of_frame, given_of, tuple(settling.notes))


class _Settling:
    """The rows accepted so far, with which the next row must not conflict."""

    def __init__(
        self, public: Collection[str], known_ids: Collection[str], problems: list[Problem], notes: list[Problem]
    ) -> None:
        self.problems = problems
        self.notes = notes
        self._public = public
        self._known = set(known_ids)
        self._first: dict[str, InventoryRow] = {}
        """First row of each PBX, by id, accepted or not."""
        self._pbxs: dict[str, tuple[InventoryRow, dict[str, Any]]] = {}
        self._tags: dict[str, InventoryRow] = {}
        self._addresses: dict[tuple[str, ...], list[tuple[InventoryRow, dict[str, Any]]]] = {}
        self._facts: set[tuple[Any, ...]] = set()
        self._numbers: dict[str, tuple[InventoryRow, dict[str, Any]]] = {}
        self._aside_ids: dict[str, InventoryRow] = {}
        self._aside_tags: dict[str, InventoryRow] = {}
        self._aside_numbers: dict[str, InventoryRow] = {}

    def line(self, rows: Sequence[InventoryRow]) -> list[tuple[InventoryRow, dict[str, Any]]]:
        """Return the accepted rows of one line: all but invalid numbers, or none if anything else is invalid."""
        accepted = []
        whole = not [row for row in rows if self._is_of_another(row)]
        notes = len(self.notes)
        for row in rows:
            before = len(self.problems)
            values = self.cells(row)
            good = len(self.problems) == before
            whole = whole and (good or row.frame == "pbx_numbers")
            if good:
                accepted.append((row, values))
        if whole and not any(row.frame == "pbxs" and self._claimed(row, values) for row, values in accepted):
            return [(row, values) for row, values in accepted if not self._number_claimed(row, values)]
        del self.notes[notes:]
        self._reserve_values(rows, accepted)
        return []

    def _is_of_another(self, row: InventoryRow) -> bool:
        """Return whether the id of a row belongs to a PBX of another name; reject the row if it is that of a PBX."""
        pbx_id = _cell(row, "pbx_id")
        if row.frame == "pbxs":
            self._first.setdefault(pbx_id, row)
        first = self._first.get(pbx_id, row)
        if not are_different_pbxs(row, first):
            return False
        if row.frame == "pbxs":
            name = _cell(row, "name") or pbx_id
            other_name = _cell(first, "name") or pbx_id
            message = (
                f"{name} and {other_name} ({_at(first)}) have the same id, {pbx_id}, so nothing of {name} was "
                "taken. Rename "
                "one of the two, or give each an id of its own in a column pbx_id."
            )
            self._refuse(row, "pbx_id", message)
        return True

    def _reserve_values(
        self, rows: Sequence[InventoryRow], parsed: Sequence[tuple[InventoryRow, dict[str, Any]]]
    ) -> None:
        """Record the ids, X-Tags and numbers of a rejected line: another PBX must not claim them before it is fixed."""
        for row in rows:
            if row.frame == "pbxs" and not row.if_fit:
                if not are_different_pbxs(row, self._first[_cell(row, "pbx_id")]):
                    self._aside_ids.setdefault(_cell(row, "pbx_id"), row)
                self._aside_tags.setdefault(_cell(row, "x_tag"), row)
        for row, values in parsed:
            if row.frame == "pbx_numbers" and not row.if_fit:
                self._aside_numbers.setdefault(values["number"], row)

    def _claimed(self, row: InventoryRow, values: dict[str, Any]) -> bool:
        """Reject a PBX whose id (with other values) or X-Tag occurs in an earlier rejected line."""
        pbx_id = values["pbx_id"]
        tag = values["x_tag"]
        first = self._aside_ids.get(pbx_id)
        if first is not None:
            columns = [name for name in row.cells if _cell(row, name) and name not in row.only_new | first.only_new]
            if any(_cell(row, name) != _cell(first, name) for name in columns):
                message = f"The PBX {pbx_id} is there already, {_at(first)}, which was put aside."
                self._refuse(row, "pbx_id", f"{message} Keep one row of the two.")
                return True
        first = self._aside_tags.get(tag) if tag else None
        if first is not None and _cell(first, "pbx_id") != pbx_id:
            self._refuse(row, "x_tag", f"The X-Tag {tag} is another PBX's, {_at(first)}, which was put aside.")
            return True
        return False

    def _number_claimed(self, row: InventoryRow, values: dict[str, Any]) -> bool:
        """Reject a number that an earlier rejected line assigns to another PBX."""
        first = self._aside_numbers.get(values["number"]) if row.frame == "pbx_numbers" else None
        if first is None or _cell(first, "pbx_id") == values["pbx_id"]:
            return False
        claim = f"{values['number']} is {_cell(first, 'pbx_id')}'s, {_at(first)}, which was put aside."
        self._refuse(row, "number", f"{claim} A number is one PBX's, once.")
        return True

    def cells(self, row: InventoryRow) -> dict[str, Any]:
        """Parse every cell of a row; add a problem for each invalid cell."""
        values = {}
        for column in RULES[row.frame]:
            text = row.cells.get(column, "")
            try:
                assumed = assumed_number(text, row.country) if column == "number" else ""
                values[column] = read_cell(row.frame, column, text, self._public)
                if assumed:
                    message = f"{text.strip()} has ten digits and no country code, so it was read as +{assumed}."
                    self.notes.append(Problem(row.file, row.line or None, column, message, text))
            except InputError as exc:
                self._refuse(row, column, str(exc))
        return values

    def forget(self, before: int, rows: Sequence[InventoryRow]) -> None:
        """Discard the problems of rows that may be dropped silently (``if_fit``)."""
        if all(row.if_fit for row in rows):
            del self.problems[before:]

    def fits(self, row: InventoryRow, values: dict[str, Any]) -> bool:
        """Return whether a row is consistent with the accepted rows; report a conflict with the other row's line."""
        judge = {
            "pbxs": self._pbx_fits,
            "pbx_addresses": self._address_fits,
            "pbx_numbers": self._number_fits,
            CONFIG_FRAME: self._fact_fits,
        }
        return (row.frame == "pbxs" or self._belongs(row)) and judge[row.frame](row, values)

    def _pbx_fits(self, row: InventoryRow, values: dict[str, Any]) -> bool:
        pbx_id = values["pbx_id"]
        tag = values["x_tag"]
        if pbx_id in self._pbxs:
            first, accepted = self._pbxs[pbx_id]
            if any(row.cells.get(name) and values[name] != accepted[name] for name in values):
                self._refuse(
                    row, "pbx_id", f"The PBX {pbx_id} is there already, {_at(first)}. Keep one row of the two."
                )
            elif not row.brings_more:
                self._refuse(row, "pbx_id", f"The row repeats {_at(first)}. Take one of the two out.")
            return False
        if tag and tag in self._tags:
            self._refuse(row, "x_tag", f"The X-Tag {tag} is another PBX's, {_at(self._tags[tag])}.")
            return False
        self._pbxs[pbx_id] = (row, values)
        self._tags[tag] = row
        self._known.add(pbx_id)
        return True

    def _belongs(self, row: InventoryRow) -> bool:
        pbx_id = row.cells["pbx_id"].strip()
        if pbx_id in self._known:
            return True
        similar_ids = get_close_matches(pbx_id.lower(), sorted(self._known), n=1)
        hint = (
            f" Did you mean {similar_ids[0]}?"
            if similar_ids
            else " Add the PBX first, or import its file together with this one."
        )
        self._refuse(row, "pbx_id", f"There is no PBX {pbx_id!r} in the inventory.{hint}")
        return False

    def _address_fits(self, row: InventoryRow, values: dict[str, Any]) -> bool:
        address, begins, ends = values["address"], *_span(values)
        source = values["source"]
        key = (address, source, "" if source == "observed" else values["pbx_id"])
        if begins >= ends:
            self._refuse(row, "valid_to", "The address ends before it begins. Correct one of the two times.")
            return False
        for first, accepted in self._addresses.get(key, []):
            other_begins, other_ends = _span(accepted)
            if begins < other_ends and other_begins < ends:
                message = f"{address} is this PBX's already, {_at(first)}. Take one of the two rows out."
                if accepted["pbx_id"] != values["pbx_id"]:
                    message = (
                        f"{address} was observed for {accepted['pbx_id']}, {_at(first)}. Where both PBXs call from it, "
                        "write declared as the source of both rows."
                    )
                self._refuse(row, "address", message)
                return False
        self._addresses.setdefault(key, []).append((row, values))
        return True

    def _number_fits(self, row: InventoryRow, values: dict[str, Any]) -> bool:
        number = values["number"]
        if number in self._numbers:
            first, accepted = self._numbers[number]
            owner_text = "this PBX's already" if accepted["pbx_id"] == values["pbx_id"] else f"{accepted['pbx_id']}'s"
            self._refuse(row, "number", f"{number} is {owner_text}, {_at(first)}. A number is one PBX's, once.")
            return False
        self._numbers[number] = (row, values)
        return True

    def _fact_fits(self, _row: InventoryRow, values: dict[str, Any]) -> bool:
        fact = tuple(values.values())
        new = fact not in self._facts
        self._facts.add(fact)
        return new

    def _refuse(self, row: InventoryRow, column: str, message: str) -> None:
        value = row.cells.get(column, "")
        problem = Problem(row.file, row.line or None, column, message, value)
        if problem not in self.problems[-len(EDITABLE_FRAMES) * len(RULES["pbxs"]) :]:
            self.problems.append(problem)


def _span(values: Mapping[str, Any]) -> tuple[pd.Timestamp, pd.Timestamp]:
    return values["valid_from"] or EARLIEST, values["valid_to"] or LATEST


def _cell(row: InventoryRow, column: str) -> str:
    return row.cells.get(column, "").strip()


def _at(row: InventoryRow) -> str:
    return location_text(row.file, row.line)
