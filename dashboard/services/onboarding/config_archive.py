"""Archive with the configuration of every PBX in set-up: one folder per PBX, with instructions for its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dashboard.core.errors import InputError
from dashboard.pbx import writers
from dashboard.services.onboarding.context import RETIRED, OnboardingContext

STEPS: Final = "STEPS.txt"
LEFT_OUT: Final = "NOT-WRITTEN.txt"


def files_of(ground: OnboardingContext) -> dict[str, str]:
    """
    Generate the configuration of every PBX that is not retired.

    Returns:
        File contents by path in the archive; a separate file lists the PBXs that cannot be written, with reasons.
    """
    files: dict[str, str] = {}
    reasons: list[str] = []
    for pbx_id, pbx in ground.pbxs.items():
        if pbx["status"] == RETIRED:
            continue
        kind = ground.kind(pbx_id)
        try:
            snippet = writers.write(kind, ground.wanted(pbx_id))
        except InputError as exc:
            reasons.append(f"{pbx_id}: {exc}")
            continue
        files[f"{pbx_id}/{STEPS}"] = _steps(ground.snapshot.name_of(pbx_id), kind, snippet)
        files |= _below(pbx_id, snippet.files)
    if reasons:
        files[LEFT_OUT] = "\n".join([*reasons, ""])
    return files


def writable(ground: OnboardingContext) -> int:
    """Return the number of PBXs whose configuration can likely be written: static ones with an address."""
    if not ground.snapshot.account.tech_prefix:
        return 0
    live = [pbx for pbx in ground.pbxs.values() if pbx["status"] != RETIRED and pbx["ip_kind"] != "dynamic"]
    return sum(pbx["pbx_id"] in ground.addresses for pbx in live)


def _below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items()}


def _steps(name: str, kind: str, snippet: writers.Snippet) -> str:
    lines: Sequence[str] = [f"{name}: {writers.label_of(kind)}", ""]
    entered = [f"{setting.page}: {setting.field} = {setting.value}" for setting in snippet.settings]
    numbered = [f"{number}. {step}" for number, step in enumerate(snippet.steps, start=1)]
    return "\n".join([*lines, *entered, *([""] if entered else []), *numbered, ""])
