"""Real account: data that no program can read is declared by the operator; changes that none can write are guided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import schemas
from dashboard.carriers.flowroute.portal_paste import PasteDiff
from dashboard.core.errors import CapabilityError, StaleInputError
from dashboard.core.settings import Settings
from dashboard.domain.actors import local_actor
from dashboard.domain.changes import AllowAddress
from dashboard.domain.findings import Cause, Status
from dashboard.domain.snapshot import Age
from dashboard.services import declarations, snapshot_builder
from dashboard.services.background_sync import SYNC_ERROR_KEY
from dashboard.services.workspace import Workspace
from tests.apps import form_errors, new_app
from tests.router import PAGES
from tests.texts import golden, golden_pattern

KEYS = {"FLOWROUTE_ACCESS_KEY": "access-7f3c91", "FLOWROUTE_SECRET_KEY": "secret-b52e08"}
BROWSER = golden("pages.operators.named_by_link", name="Ola", inviter="kim")
"""Recorded name of the browser's user in these tests."""
LISTED = "198.51.100.11"
OTHER = "198.51.100.12"
MOVED = "198.51.100.24"
MESSY = f"""
Outbound Allowed IPs      Add IP Address
  1)  {LISTED}   Seattle office   [Remove]
Chicago | {OTHER} | Active
10.0.0.8  old VPN
Showing 1 to 3 of 3 entries
"""


@pytest.fixture(autouse=True)
def _real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set an API key, no base URL, and a home of its own; a documentation range counts as public."""
    for name, value in {**KEYS, "TRUNKGATE_HOME": str(tmp_path), "TRUNKGATE_PUBLIC_RANGES": "198.51.100.0/24"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def real() -> Iterator[Workspace]:
    """Open the home of the real account; no request is sent to the carrier."""
    settings = Settings.read()
    assert (False, False) == (settings.embedded, settings.on_loopback)
    with Workspace.open(settings) as opened:
        yield opened


@pytest.fixture
def page() -> Callable[[str], AppTest]:
    """Return a function that opens a page with the data so far; no test of a real account syncs."""

    def opened(name: str) -> AppTest:
        at = new_app().run()
        if "first_run_look" in keys(at):
            at.button(key="first_run_look").click().run()
        at.switch_page(f"web/pages/{name}.py").run()
        assert not at.exception
        return at

    return opened


def words(at: AppTest) -> str:
    """Return all texts of the page and of an open dialog as one string, without escapes."""
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.code, at.info, at.warning, at.error, at.success)
    return " ".join(element.value for kind in kinds for element in kind).replace("\\", "")


def keys(at: AppTest) -> set[str | None]:
    """Return the keys of the buttons on the page."""
    return {button.key for button in at.button}


def declare(real: Workspace, *networks: str, days_ago: float = 0.0) -> None:
    """Record the account and its list as declared by an operator the given number of days ago."""
    seen_at = datetime.now(UTC) - timedelta(days=days_ago)
    account = {"tech_prefix": "12345678", "credentials_on": False, "sample": False}
    frame = schemas.conform(
        pd.DataFrame({"network": networks, "role": "active", "known_by": "operator"}),
        schemas.ALLOWED_IPS,
        source="test",
    )
    for kind, content in (("account", account), ("allowed_ips", snapshot_builder.to_rows(frame))):
        real.state.save_version(kind, content, valid_from=seen_at, seen_at=seen_at, known_by="Ada")


def place(real: Workspace, address: str) -> None:
    """Add one static PBX with an address to the inventory, and record that calls were fetched just now."""
    now = datetime.now(UTC)
    pbx = {"pbx_id": "denver", "name": "Denver", "ip_kind": "static", "auth_method": "ip", "dials_prefix": "yes"}
    held = {"pbx_id": "denver", "address": address, "kind": "primary", "source": "declared"}
    for name, row in (("pbxs", {**pbx, "status": "active"}), ("pbx_addresses", held)):
        snapshot_builder.save_frame(real.state, name, pd.DataFrame([row]), now=now, known_by="Ada")
    real.state.put("calls_until", now.isoformat())


def form_button(at: AppTest, label: str) -> None:
    """Press the button of a form by its label, because it has no key."""
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception


def test_a_fresh_home_says_what_to_do_first(page: Callable[[str], AppTest]) -> None:
    """Before any declaration the page names the steps, claims nothing and offers no change of the switch."""
    at = page("account")

    assert golden("pages.account.first_record") in words(at)
    assert "Not known" in words(at)
    assert golden("pages.account.as_the_portal_showed") not in words(at)
    assert "account_credentials" not in keys(at)
    assert at.radio[0].value is None


def test_a_failed_first_sync_is_not_one_in_progress(real: Workspace) -> None:
    """After a failed first sync the title says so; once a list is declared, the page opens with the data so far."""
    real.state.put(SYNC_ERROR_KEY, "The carrier cannot be reached.")
    at = new_app().run()

    assert golden("pages.account.could_not_be_read_yet") == at.title[0].value
    assert "first_run_look" in keys(at)

    declare(real, LISTED)
    at = new_app().run()

    assert "first_run_look" not in keys(at)
    assert golden("pages.account.nothing_fetched") in words(at)


def test_the_switch_is_not_declared_by_leaving_it_alone(page: Callable[[str], AppTest], real: Workspace) -> None:
    """No state of the switch is preselected, so the button alone records nothing."""
    at = page("account")
    at.text_input[-1].set_value("12345678")
    form_button(at, "Record what the portal shows")

    assert [golden("pages.account.say_credentials")] == form_errors(at, "account_declare")
    assert real.state.latest("account") is None


def test_a_wrong_prefix_is_refused_as_a_sentence(page: Callable[[str], AppTest], real: Workspace) -> None:
    """A prefix that is not eight digits is rejected with a message and not saved."""
    at = page("account")
    at.text_input[-1].set_value("1234")
    at.radio[0].set_value("Disabled")
    form_button(at, "Record what the portal shows")

    assert golden("errors.dial_string.four_digits") in form_errors(at, "account_declare")[0]
    assert real.state.latest("account") is None


def test_a_declared_account_is_not_reverted(page: Callable[[str], AppTest], real: Workspace) -> None:
    """A form drawn before somebody else declared the account is refused, then shows what they declared."""
    declare(real, LISTED)
    at = page("account")
    now = datetime.now(UTC)
    content = {"tech_prefix": "87654321", "credentials_on": True, "sample": False}
    real.state.save_version("account", content, valid_from=now, seen_at=now, known_by="Ada")
    form_button(at, "Record what the portal shows")

    assert golden("pages.account.changed_by") in form_errors(at, "account_declare")[0]
    assert "87654321" == real.snapshot().account.tech_prefix == at.text_input[-1].value
    assert "Enabled" == at.radio[0].value


def test_the_account_is_declared_then_its_list_is_pasted(page: Callable[[str], AppTest], real: Workspace) -> None:
    """On a first visit prefix and switch are recorded, and a messy paste is compared and saved with date and actor."""
    who = BROWSER
    began = datetime.now(UTC)
    at = page("account")
    at.text_input[-1].set_value("12345678")
    at.radio[0].set_value("Disabled")
    form_button(at, "Record what the portal shows")

    account = real.snapshot().account
    assert ("12345678", False, who, False) == (
        account.tech_prefix,
        account.credentials_on,
        account.known_by,
        account.sample,
    )
    assert f"recorded by {who}" in words(at)

    at.text_area(key="account_pasted").set_value(MESSY).run()

    assert "**2 entries to add**" in words(at)
    assert golden("pages.account.not_in_paste", entries=0) in words(at)
    assert "Line 5: 10.0.0.8 " + golden("errors.addresses.is_private") in words(at)
    assert "private address" in words(at)
    assert "Seattle office" in words(at)
    assert real.snapshot().allowed_ips.empty

    at.button(key="account_accept").click().run()

    assert not at.exception
    known = real.snapshot()
    assert [LISTED, OTHER] == list(known.allowed_ips["network"])
    assert {"operator"} == set(known.allowed_ips["known_by"])
    assert {who} == set(known.allowed_ips["added_by"])
    assert (known.allowed_ips["added_at"] >= began).all()
    assert Age.FRESH is known.freshness["allowed_ips"].age(known.taken_at)
    assert golden("pages.account.as_the_portal_showed") + f" on {datetime.now(UTC):%-d %b %Y}" in words(at)
    assert f"pasted by {who}." in words(at)
    assert "" == at.text_area(key="account_pasted").value


def test_a_part_pasted_later_keeps_the_rest_unless_ticked(page: Callable[[str], AppTest], real: Workspace) -> None:
    """Entries missing from a paste stay unless ticked; the previous version is kept as well."""
    declare(real, LISTED, OTHER, MOVED, days_ago=1)
    at = page("account")
    at.text_area(key="account_pasted").set_value(f"Seattle {LISTED}\nnew: 198.51.100.77").run()

    assert "**1 entry to add**" in words(at)
    assert golden("pages.account.not_in_paste", entries=2) in words(at)
    assert "**1 the same**" in words(at)

    at.checkbox(key=f"account_gone_{MOVED}").check().run()
    at.button(key="account_accept").click().run()

    assert not at.exception
    assert {LISTED, OTHER, "198.51.100.77"} == set(real.snapshot().allowed_ips["network"])
    assert 2 == len(real.state.versions("allowed_ips"))


def test_the_same_list_pasted_again_confirms_it(page: Callable[[str], AppTest], real: Workspace) -> None:
    """Pasting the same list makes a stale copy fresh and creates no new version."""
    declare(real, LISTED, OTHER, days_ago=8)
    at = page("account")

    assert "pasted by Ada." in words(at)
    assert golden("pages.account.out_of_date") in words(at)

    at.text_area(key="account_pasted").set_value(f"{OTHER}, {LISTED}").run()

    assert golden("pages.account.confirm_same_list") == at.button(key="account_accept").label

    at.button(key="account_accept").click().run()

    known = real.snapshot()
    assert Age.FRESH is known.freshness["allowed_ips"].age(known.taken_at)
    assert len(real.state.versions("allowed_ips")) == 1
    assert f"pasted by {BROWSER}." in words(at)


def test_an_empty_list_can_be_declared(page: Callable[[str], AppTest], real: Workspace) -> None:
    """An empty list can be declared, and is fresh: an account that calls by credentials alone has no entries."""
    at = page("account")
    at.button(key="account_empty").click().run()

    assert not at.exception
    known = real.snapshot()
    assert known.allowed_ips.empty
    assert Age.FRESH is known.freshness["allowed_ips"].age(known.taken_at)
    assert golden("pages.account.as_the_portal_showed") + " on" in words(at)


def test_a_list_that_changed_meanwhile_is_not_written_over(real: Workspace) -> None:
    """If two people paste at once, the second gets an error, and the list of the first is kept."""
    declare(real, LISTED)
    seen = real.snapshot()
    declare(real, LISTED, OTHER)

    with pytest.raises(
        StaleInputError,
        match="^"
        + golden_pattern("pages.account.list_changed_by")
        + " .* "
        + golden_pattern("pages.account.look_again")
        + " ",
    ):
        declarations.save_list(
            real,
            seen.allowed_ips,
            PasteDiff((), (LISTED,), ()),
            remove=[LISTED],
            version_ids=seen.version_ids,
            by="Bob",
        )

    assert {LISTED, OTHER} == set(real.snapshot().allowed_ips["network"])


@pytest.mark.parametrize(("days_ago", "status"), [(6.9, Status.PASS), (7.1, Status.UNKNOWN)])
def test_a_copy_older_than_seven_days_is_not_judged_by(real: Workspace, days_ago: float, status: Status) -> None:
    """With a list older than seven days the check is unknown and states the cause; it never passes."""
    declare(real, LISTED, days_ago=days_ago)
    place(real, LISTED)

    found = [finding for finding in real.findings() if finding.check == "pbx_address_is_allowed"]

    assert [status] == [finding.status for finding in found]
    assert (Cause.STALE in {finding.cause for finding in found}) is (status is Status.UNKNOWN)


def assert_guided(at: AppTest, value: str) -> None:
    """Assert that the dialog points to the portal with a value to paste, and offers nothing to apply."""
    assert not at.exception
    assert golden("pages.account.do_it_in_portal") in words(at)
    assert value in [code.value for code in at.code]
    assert "review_apply" not in keys(at)


def test_a_fix_is_guided(page: Callable[[str], AppTest], real: Workspace) -> None:
    """The dialog has the steps in the portal and the value to paste, and offers nothing to apply."""
    declare(real, LISTED)
    place(real, MOVED)
    at = page("overview")
    at.button(key="overview_fix_0").click().run()

    assert_guided(at, MOVED)
    assert golden("pages.policy.portal_place") in words(at)
    assert golden("pages.account.enter_address", address=MOVED) in words(at)


def test_the_switch_is_guided_too(page: Callable[[str], AppTest], real: Workspace) -> None:
    """A change of the credentials switch is a step in the portal, with nothing to apply."""
    declare(real, LISTED)
    at = page("account")
    at.button(key="account_credentials").click().run()

    assert not at.exception
    assert "Preferences > Fraud Control" in words(at)
    assert "review_apply" not in keys(at)


def test_apply_refuses_and_writes_nothing(real: Workspace) -> None:
    """Applying a guided plan raises an error that points to the portal; journal and list stay as they are."""
    declare(real, LISTED)
    place(real, MOVED)
    plan = real.plan("pbx_address_is_allowed", MOVED)

    assert plan.guided
    assert [MOVED] == [change.network for change in plan.changes if isinstance(change, AllowAddress)]
    with pytest.raises(CapabilityError, match=golden_pattern("pages.account.do_it_and_paste")):
        real.apply(plan, actor=local_actor("tests"), typed=plan.phrases)
    assert not real.journal.entries()
    assert [LISTED] == list(real.snapshot().allowed_ips["network"])


@pytest.mark.parametrize("name", PAGES)
def test_no_page_says_sample_or_shows_a_key(page: Callable[[str], AppTest], real: Workspace, name: str) -> None:
    """No page calls a real account a sample or contains its key."""
    declare(real, LISTED)
    place(real, MOVED)
    at = page(name)
    whole = f"{words(at)} {at.main} {at.sidebar}"

    assert words(at).strip()
    assert "SAMPLE" not in whole
    assert not [key for key in KEYS.values() if key in whole]


def test_addresses_that_are_planned_together_are_guided(page: Callable[[str], AppTest], real: Workspace) -> None:
    """Addresses planned together open one guided plan, because the portal has no API; nothing can be applied."""
    declare(real, LISTED)
    place(real, MOVED)
    at = page("set_up_pbx")
    at.button(key="set_up_many_pbx_address_is_allowed").click().run()

    assert_guided(at, MOVED)
