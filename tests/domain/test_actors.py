"""Roles and their permissions, and the identity of the local user."""

from __future__ import annotations

import os
import pwd
import re
import socket
import sys
import unicodedata
from pathlib import Path

import pytest

from dashboard.core.errors import FixError, InputError
from dashboard.core.text import legible
from dashboard.domain.actors import NAMELESS, Act, Actor, Role, browser_actor, local_actor, name_of_person
from dashboard.services.access import links
from tests.texts import golden, golden_pattern


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, {Act.LOOK}),
        (Role.OPERATOR, {Act.LOOK, Act.APPLY}),
        (Role.APPROVER, set(Act)),
    ],
)
def test_what_each_role_may_do(role: Role, allowed: set[Act]) -> None:
    """An act that a role does not include is refused with a message that names the person, the role and the act."""
    actor = Actor("ana", role)
    for act in Act:
        if act in allowed:
            actor.require(act)
            continue
        with pytest.raises(FixError, match="^" + golden_pattern("errors.fixes.role_may_not", role=role, act=act)):
            actor.require(act)


def test_the_command_line_signs_with_the_user_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The actor is the process's uid, never an environment variable; the user behind sudo is recorded too."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setenv("LOGNAME", "mallory")
    monkeypatch.setenv("USER", "mallory")
    monkeypatch.delenv("SUDO_USER", raising=False)

    by = {"way": "command line", "user": f"os:{os.geteuid()}", "host": socket.gethostname()}
    assert Actor(f"{user} (command line)", Role.APPROVER, by) == local_actor("command line")

    monkeypatch.setenv("SUDO_USER", "ana")
    by["for"] = "ana"
    assert Actor(golden("pages.entrance.for_command_line", name=user, account="ana"), Role.APPROVER, by) == local_actor(
        "command line"
    )


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("Ola", golden("pages.operators.named_by_link", name="Ola", inviter="kim")),
        ("  Ola \n Svensson\t", golden("pages.operators.named_by_link", name="Ola Svensson", inviter="kim")),
        ("Ola\u202e\x1b[2J\u200b", golden("pages.operators.named_by_link", name="Ola[2J", inviter="kim")),
        ("x" * 500, golden("pages.operators.named_by_link", name="x" * 80, inviter="kim")),
    ],
)
def test_a_name_from_a_browser_is_one_short_unverified_line(typed: str, recorded: str) -> None:
    """
    A name typed in a browser becomes one line, marked as unverified, within the journal's 200 characters.

    Invisible characters are removed.
    """
    assert (recorded, Role.APPROVER) == ((actor := browser_actor(typed, "kim")).name, actor.role)


@pytest.mark.parametrize(
    "unseen", ["\u200d", "\u3164", "\u2800", "\u00ad", "\u034f", "\u115f\u1160\uffa0", "\u17b5", "\ufe0f"]
)
def test_invisible_name_counts_as_none(unseen: str, tmp_path: Path) -> None:
    """
    An invisible name counts as no name: no link is created for it, and the journal does not record it.

    It would be a blank button and a blank actor.
    """
    assert "" == name_of_person(unseen) == name_of_person(f" {unseen} \t{unseen}.")
    assert f"{unseen}a" == name_of_person(f"{unseen}a")
    assert golden("pages.operators.named_by_link", name=NAMELESS, inviter="kim") == browser_actor(unseen, "kim").name
    with pytest.raises(InputError, match=golden_pattern("errors.names.a_letter_or_a_digit")):
        links.make(tmp_path, name=unseen)


@pytest.mark.parametrize("name", ["Zürich", "北京", "مكتب", "क्‍ष", "ㄱ", "한", "7", "Ⅷ٣", "O'Neill"])
def test_a_name_may_be_of_any_script(name: str) -> None:
    """A name in any script is accepted; one letter or digit is enough."""
    assert name == name_of_person(name)


def test_no_letter_that_counts_is_blank() -> None:
    """No accepted letter is a filler or blank by its Unicode name."""
    blank = re.compile(r"\bSPACE\b|FILLER|BLANK|JOINER|INVISIBLE|SELECTOR|SOFT HYPHEN|VOWEL INHERENT")

    assert [] == [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if legible(chr(code)) and blank.search(unicodedata.name(chr(code), ""))
    ]


def test_links_of_one_user_have_different_numbers() -> None:
    """Two links of one user differ by their numbers; the user who opened one is named if the system knows."""
    one = browser_actor("Ola", "kim", link="0123456789ab")
    other = browser_actor("Ola", "kim", link="ba98", uid=1000)

    assert one != other
    assert {"way": "link", "link": "0123456789ab", "link_by": "kim"} == one.by
    assert {"way": "link", "link": "ba98", "link_by": "kim", "user": "os:1000"} == other.by


def test_a_name_that_the_link_was_made_for_is_vouched_by_its_maker() -> None:
    """A name set by the link's creator is shown as vouched by the creator, never as verified."""
    assert browser_actor("Ola", "kim", vouched=True).name == golden("pages.entrance.by_link", name="Ola", inviter="kim")
    assert len(browser_actor("x" * 500, "y" * 500).name) <= 200
