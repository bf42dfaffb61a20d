"""Builders of export files: rows of the 25 documented columns in the carrier's format."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

HEADER = (  # noqa: SIM905 - same text as an export's header, for comparison
    "direction,start_time,end_time,destination,number_alias,callerid,total_cost,destination_name,callerid_country,"
    "line_information,result,call_fail_sip_code,call_fail_reason,duration,billed_duration,rate,first_increment,"
    "subsequent_increment,cost_subtotal,connect_fee,usf_fee,ccrf,cnam_lookup_fee,custom_x_tag,customer_ip"
).split(",")
"""The 25 documented columns in order."""
WITH_ID = [*HEADER, "cdr_id"]

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)

Row = Mapping[str, object]


def a_row(**changed: object) -> dict[str, object]:
    """Return an answered outbound call of one minute at noon; arguments override columns."""
    row = dict.fromkeys(HEADER, "") | {
        "direction": "Outbound",
        "start_time": "2026-11-02 12:00:00+00",
        "end_time": "2026-11-02 12:01:00+00",
        "destination": "12065550100",
        "callerid": "+14255550111",
        "total_cost": "0.00980000",
        "destination_name": "UNITED STATES",
        "callerid_country": "N/A",
        "result": "completed",
        "call_fail_sip_code": "200",
        "call_fail_reason": "OK",
        "duration": "60",
        "billed_duration": "60",
        "rate": "0.00980000",
        "first_increment": "6",
        "subsequent_increment": "6",
        "cost_subtotal": "0.00980000",
        "connect_fee": "0.00000000",
        "usf_fee": "0.00000000",
        "ccrf": "0.00000000",
        "cnam_lookup_fee": "0.00000000",
        "custom_x_tag": "seattle",
        "customer_ip": "198.51.100.11:5060",
    }
    return row | changed


def at(moment: datetime) -> str:
    """Format a time as the carrier does."""
    return f"{moment:%Y-%m-%d %H:%M:%S}+00"


def rows_at(*moments: datetime, **changed: object) -> list[dict[str, object]]:
    """Return one call for each time."""
    return [a_row(start_time=at(m), end_time=at(m + timedelta(minutes=1)), **changed) for m in moments]


def as_csv(rows: Iterable[Row], header: Iterable[str] = HEADER) -> str:
    """Format rows as the carrier does: comma separated, with a header, quoted only where necessary."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(header), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
