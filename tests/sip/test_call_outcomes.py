"""Call outcomes: one table, with the same result in Python and in SQL."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.domain.admission import ACL_REASON, CHALLENGE_REASON
from dashboard.schemas.tables import OUTCOMES, PROVES
from dashboard.sip.call_outcomes import OTHERWISE, RULES, outcome, outcome_sql

TABLE = [
    ("completed", 200, "OK", "answered"),
    ("completed", None, "", "answered"),
    ("Completed", None, "", "answered"),
    ("failed", 401, "Unauthorized", "refused_auth"),
    ("failed", 407, CHALLENGE_REASON, "refused_auth"),
    ("failed", 403, ACL_REASON, "refused_auth"),
    ("failed", 403, "not in acl", "refused_auth"),
    ("failed", 403, "Forbidden", "refused_unknown"),
    ("failed", 403, "", "refused_unknown"),
    ("failed", 403, "Oracle says no", "refused_unknown"),
    ("failed", 487, "Request Terminated", "gave_up"),
    ("failed", 480, "Temporarily Unavailable", "busy_or_no_answer"),
    ("failed", 486, "Busy Here", "busy_or_no_answer"),
    ("failed", 600, "Busy Everywhere", "busy_or_no_answer"),
    ("failed", 603, "Decline", "busy_or_no_answer"),
    ("failed", 404, "Not Found", "bad_number"),
    ("failed", 410, "Gone", "bad_number"),
    ("failed", 484, "Address Incomplete", "bad_number"),
    ("failed", 604, "Does Not Exist Anywhere", "bad_number"),
    ("failed", 488, "Not Acceptable Here", "media"),
    ("failed", 606, "Not Acceptable", "media"),
    ("failed", 408, "Request Timeout", "network"),
    ("failed", 500, "Server Internal Error", "network"),
    ("failed", 502, "Bad Gateway", "network"),
    ("failed", 503, "Service Unavailable", "network"),
    ("failed", 504, "Server Time-out", "network"),
    ("failed", 302, "Moved Temporarily", "other"),
    ("failed", 402, "Payment Required", "other"),
    ("failed", None, "", "other"),
    ("", None, "", "other"),
    ("busy", None, "", "busy_or_no_answer"),
    ("cancelled", None, "", "gave_up"),
    ("completed", 486, "Busy Here", "busy_or_no_answer"),
    ("completed", 403, ACL_REASON, "refused_auth"),
]
"""In the last two rows result and status differ, and the status is right."""


@pytest.mark.parametrize(("result", "status", "reason", "expected"), TABLE)
def test_table_maps_results_to_outcomes(result, status, reason, expected):
    """Result, SIP status and reason determine the outcome; the final status takes precedence over the result."""
    assert outcome(result, status, reason) == expected


def test_every_outcome_is_one_of_the_contract():
    """The table contains exactly the outcomes of the schema."""
    assert {rule.outcome for rule in RULES} | {OTHERWISE} == set(OUTCOMES)


PROOFS = {
    "answered": "admission",
    "gave_up": "admission",
    "busy_or_no_answer": "admission",
    "bad_number": "nothing",
    "refused_auth": "refusal",
    "refused_unknown": "nothing",
    "media": "nothing",
    "network": "nothing",
    "other": "nothing",
}


def test_only_reached_calls_prove_admission_and_only_named_refusals_prove_refusal():
    """Answered, busy and given up calls were admitted; 401, 407 and the ACL 403 were refused; others prove neither."""
    assert PROVES == PROOFS
    assert {rule.outcome: rule.proves for rule in RULES} | {OTHERWISE: "nothing"} == PROOFS


words = st.sampled_from(["completed", "Completed ", "failed", "busy", "no answer", "cancelled", ""]) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=12
)
statuses = st.none() | st.sampled_from([200, 401, 403, 404, 407, 480, 486, 487, 500, 603]) | st.integers(100, 699)
reasons = st.sampled_from([ACL_REASON, "Forbidden", "ACL", "no acl.", "oracle", "my_acl"]) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=20
)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(words, statuses, reasons), min_size=1, max_size=30))
def test_sql_and_python_agree(calls):
    """The SQL generated from the table gives every call the same outcome as the function."""
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("CREATE TABLE calls (n INT, result VARCHAR, sip_status SMALLINT, sip_reason VARCHAR)")
        connection.executemany("INSERT INTO calls VALUES (?, ?, ?, ?)", [[n, *call] for n, call in enumerate(calls)])
        found = connection.execute(f"SELECT {outcome_sql()} FROM calls ORDER BY n").fetchall()  # noqa: S608 - the SQL under test
    finally:
        connection.close()

    assert [name for (name,) in found] == [outcome(*call) for call in calls]
