"""The emulator conforms to its OpenAPI document: generated requests get only documented answers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.emulator.conftest import Client
from tests.waiting import WAIT_S

EXAMPLES = 5
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
JSON_API = "application/vnd.api+json"


@pytest.fixture(scope="module")
def own(emulator: Callable[..., Client]) -> Client:
    """Start an account that generated requests may change arbitrarily."""
    return emulator(calls=50)


@pytest.fixture(scope="module")
def description(own: Client) -> dict[str, Any]:
    """Return the document."""
    found: dict[str, Any] = own("GET", "/openapi.json").json()
    return found


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return every operation with method and path."""
    return [
        (method.upper(), path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_tells_its_refusals(description: dict[str, Any]) -> None:
    """Every operation requires the key, and documents refusals in the vendor's media type and format."""
    for method, path, operation in operations(description):
        place = f"{method} {path}"
        assert operation.get("security"), place
        errors = {code: answer for code, answer in operation["responses"].items() if code[0] in "45"}
        assert "401" in errors, place
        shape = {JSON_API: {"schema": {"$ref": "#/components/schemas/Faults"}}}
        assert {code: answer["content"] for code, answer in errors.items()} == dict.fromkeys(errors, shape), place


def test_every_answer_is_described(description: dict[str, Any]) -> None:
    """API answers have the vendor's media type, portal answers JSON; 204 has no body."""
    for method, path, operation in operations(description):
        (code,) = [code for code in operation["responses"] if code[0] == "2"]
        content = operation["responses"][code].get("content", {})
        expected = [] if code == "204" else ["application/json" if path.startswith("/portal") else JSON_API]
        assert expected == list(content), f"{method} {path}"
        assert all("$ref" in one["schema"] for one in content.values()), f"{method} {path}"


def test_generated_requests_get_documented_answers(own: Client, description: dict[str, Any]) -> None:
    """No server error and no undocumented status, content type or body occurs."""
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=own.running.url)
    key = base64.b64encode(":".join(own.key).encode()).decode()
    seen: set[int] = set()
    tried = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == "/portal/faults" and operation.method.upper() == "PATCH":
            continue
        tried.append(operation.label)

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            answer = case.call(headers={"Authorization": f"Basic {key}"}, timeout=WAIT_S)
            seen.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        check()

    assert len(operations(description)) - 1 == len(tried)
    assert {200, 204, 404, 422} <= seen
    assert 401 not in seen
