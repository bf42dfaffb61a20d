"""Text formatting: times, money, names, Markdown escapes, and the icon and color of each state."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.core.text import join, visible
from dashboard.domain.findings import Finding, Impact, Life, Severity, Status
from dashboard.domain.snapshot import Age, Snapshot

Color = Literal["red", "orange", "green", "gray", "blue"]
"""Colors of the five states by their names in the theme; orange is amber."""

ICONS: Final = {
    "error": ":material/error:",
    "warning": ":material/warning:",
    "good": ":material/check_circle:",
    "unknown": ":material/help:",
    "plan": ":material/pending:",
    "info": ":material/info:",
    "time": ":material/schedule:",
}

SEVERITY_COLORS: Final[dict[Severity, Color]] = {
    Severity.CRITICAL: "red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "orange",
    Severity.LOW: "orange",
    Severity.INFORMATIONAL: "gray",
}
"""Red: calls or money are being lost. Amber: they will be lost, or a control has a gap. Gray: nothing to act on."""

IMPACT_WORDS: Final = {Impact.LOSS: "Money", Impact.OUTAGE: "Calls", Impact.HYGIENE: "Order"}
STATUS_WORDS: Final = {Status.FAIL: "Failed", Status.UNKNOWN: "Not evaluated", Status.PASS: "Passed"}
STATUS_COLORS: Final[dict[Status, Color]] = {Status.FAIL: "red", Status.UNKNOWN: "gray", Status.PASS: "green"}
LIFE_WORDS: Final = {
    Life.NEW: "New",
    Life.OPEN: "Open",
    Life.PLANNED: "Plan shown",
    Life.APPLIED: "Applied, not proven yet",
    Life.VERIFIED: "Verified",
    Life.WAIVED: "Waived",
    Life.REGRESSED: "Came back",
    Life.UNCONFIRMED: "Not confirmed",
}
AGE_WORDS: Final = {Age.FRESH: "fresh", Age.STALE: "stale", Age.MISSING: "missing"}
AGE_COLORS: Final[dict[Age, Color]] = {Age.FRESH: "green", Age.STALE: "orange", Age.MISSING: "gray"}
INPUT_WORDS: Final = {
    "calls": "Calls",
    "allowed_ips": "Allowed IPs",
    "credentials": "Credentials",
    "routes": "Inbound routes",
    "inventory": "Inventory",
    "configurations": "PBX configurations",
}
KIND_WORDS: Final = {"static": "Static address", "dynamic": "Dynamic address"}
METHOD_WORDS: Final = {
    "ip": "IP address",
    "credentials": "Credentials",
    "both": "IP address and credentials",
    "unknown": "Not known",
}


def exact(moment: datetime | None, zone: ZoneInfo, form: str = "%-d %b %Y %H:%M:%S %Z") -> str:
    """Format a time exactly, in the viewer's time zone; empty for no time."""
    if moment is None or pd.isna(moment):
        return ""
    return pd.Timestamp(moment).tz_convert(zone).strftime(form)


def money(amount: object, *, digits: int = 2) -> str:
    """Format an amount in USD with an escaped dollar sign, because Markdown renders text between two as a formula."""
    return f"\\${float(str(amount or 0)):,.{digits}f}"


def names(finding: Finding, snapshot: Snapshot) -> str:
    """Return the names of the PBXs that a finding is about."""
    return join(snapshot.name_of(pbx_id) for pbx_id in finding.pbx_ids)


def address_of(address: str, snapshot: Snapshot) -> str:
    """Return an address in monospace followed by its owner in parentheses, as Markdown."""
    return f"{mono(address)} ({plain(owner_of(address, snapshot))})"


def owner_of(address: str, snapshot: Snapshot) -> str:
    """
    Return the names of the PBXs that call from an address now or called from it formerly.

    ``unassigned`` if no PBX of the inventory does; ``owner not known`` without an inventory.
    """
    pbx_ids, now = snapshot.owners_of(address)
    if not pbx_ids and snapshot.age("inventory") is Age.MISSING:
        return "owner not known"
    if not pbx_ids:
        return "unassigned"
    pbx_names = join(map(snapshot.name_of, pbx_ids))
    return pbx_names if now else f"formerly {pbx_names}"


def subject_of(finding: Finding, snapshot: Snapshot) -> str:
    """Return a finding's subject: an address with its PBX, or a PBX by name, with its part if the subject names one."""
    pbx_names = names(finding, snapshot)
    if finding.subject in finding.pbx_ids:
        return pbx_names
    if finding.subject == "account":
        return "Account"
    if finding.pbx_ids and finding.subject.startswith(f"{finding.pbx_ids[0]}: "):
        return f"{pbx_names}: {finding.subject.partition(': ')[2]}"
    if "." in finding.subject:
        return f"{finding.subject} ({pbx_names or owner_of(finding.subject, snapshot)})"
    return finding.subject


DIRECTIVE: Final = re.compile(r":(?=[A-Za-z+])|:(?=//)|(?<=[\w.+-])@(?=\w)|\bwww(?=\.)", re.IGNORECASE)
"""Start of a directive between colons, a URL or an email address that the browser would render as markup."""
LISTED: Final = re.compile(r"^(\s*(?:\d{1,9}(?=[.)](?:\s|$))|(?=[-+](?:\s|$))|(?=(?:-+|=+)\s*$)))", re.MULTILINE)
"""Start of a line that Markdown reads as a list item or as the underline of a heading."""


def plain(text: str) -> str:
    """
    Escape all text that Markdown would read as markup: dollar signs, asterisks of dial strings, brackets.

    Names of colors, icons and emojis between colons, and addresses that become links, are parsed after escapes are
    removed. Therefore a zero-width word joiner after a colon or an ``@`` keeps one from starting there. A replacement
    character replaces each invisible character, such as a mark that reverses the text direction.
    """
    text = visible(text)
    text = DIRECTIVE.sub("\\g<0>\u2060", text)
    text = "".join(f"\\{character}" if character in "\\`*_[]$~<>#|!" else character for character in text)
    return LISTED.sub(r"\1\\", text)


def mono(text: str) -> str:
    """Format text as single-line monospace Markdown, without escapes; ``""`` for empty text."""
    line = " ".join(visible(text).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{room}{line}{room}{fence}" if line else ""


def mono_cell(text: str) -> str:
    """Format text as monospace for a cell of a Markdown table, with vertical bars escaped: they would end the cell."""
    return mono(text).replace("|", "\\|")
