"""Comparison of the Set up PBXs page with ``trunkgate onboard``."""

from __future__ import annotations

import json
import re
from typing import Any

from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from dashboard.cli.entry_point import app as program
from dashboard.cli.onboard import STATES, STEPS
from dashboard.services.onboarding.fleet import CELLS, NEXT, REFUSED
from dashboard.services.onboarding.steps import StepProgress
from tests.web.pages.faults import texts

LABEL = re.compile(r"\*\*\d+\. (.*)\*\* &nbsp; :\w+\[(.*)\]$")
WORDS = {str(progress).capitalize(): STATES[progress.name] for progress in StepProgress}
"""States of a step in the command's output by the word on the page."""
CHIPS = {chip: {STATES[progress.name]} for progress, chip in CELLS.items()} | {NEXT: {"to_do", "unknown"}}
"""Possible states of a step by its cell in the matrix of all PBXs."""


def onboard(*options: str) -> tuple[int, Any]:
    """Run ``onboard`` on the home of the environment without a sync; return its status and its parsed output."""
    answer = CliRunner().invoke(program, ["onboard", "--no-sync", "--format", "json", *options])
    return answer.exit_code, json.loads(answer.stdout)


def hold_overview(at: AppTest, told: Any) -> None:
    """
    Compare the page of all PBXs with the output of the command.

    Raises:
        AssertionError: Title, order, next action, state of a step, or evidence of the account's step differ.
    """
    shown = [*texts(at)]
    assert told["headline"] == shown[0]
    assert any(text.endswith(f"] {told['account']['reason']}") for text in shown)
    assert [f"- {need}" for need in told["account"]["needs"]] == [
        line for text in shown for line in text.splitlines() if line.startswith(("- Must keep them", "- Not proven by"))
    ]
    frames = [one.value for one in at.dataframe if "next" in one.value.columns]
    rows = frames[0].to_dict("records") if frames else []
    assert [one["name"] for one in told["pbxs"]] == [row["name"] for row in rows]
    for one, row in zip(told["pbxs"], rows, strict=True):
        assert (one["next_action"] or "Nothing") == row["next"]
        for step in one["steps"]:
            (chip,) = row[next(name for name, step_name in STEPS.items() if step_name == step["step"])]
            assert one["last_call_refused"] if chip == REFUSED else step["state"] in CHIPS[chip], (one["name"], step)


def hold_steps(at: AppTest, told: Any) -> None:
    """
    Compare the page of one PBX with the output of the command for it.

    Raises:
        AssertionError: Title, or title, state or evidence of a step differ.
    """
    (one,) = told["pbxs"]
    labeled = [(match.groups(), step) for step in at.expander if (match := LABEL.search(step.label))]
    shown = [(title, WORDS[word], step.markdown[0].value.replace("\\", "")) for (title, word), step in labeled]
    expected = [(step["title"], step["state"], step["reason"]) for step in (*one["steps"], told["account"])]
    assert told["headline"] == next(texts(at))
    assert expected == shown, [pair for pair in zip(expected, shown, strict=True) if pair[0] != pair[1]]
