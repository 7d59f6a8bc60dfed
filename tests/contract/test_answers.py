"""Whatever is sent, the answer is one that the description names: its status, its content type, its form."""

from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.walked import HOST, PURPOSE, Walked

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Operation]
SEED: Final = 20261101
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.faults)])
def test_every_answer_is_described(database_url: str, tmp_path: Path, examples: int) -> None:
    """Of each operation so many requests that are as described, and so many that are not; and one without a key."""
    with Walked.at(database_url, tmp_path) as walked:
        found = schemathesis.openapi.from_dict(choices_given(walked)).get_all_operations()
        operations = [one.ok() for one in found if isinstance(one, Ok)]
        assert len(operations) == sum(map(len, walked.described["paths"].values()))
        problems = [problem for one in operations for problem in problems_of(walked, one, examples)]

        assert not problems, "\n\n".join(problems)


def choices_given(walked: Walked) -> dict[str, Any]:
    """Return the description with what is there as choices of paths, so that they lead somewhere; and without waits."""
    described = deepcopy(walked.described)
    for operation in (one for methods in described["paths"].values() for one in methods.values()):
        seen = walked.seen.get(operation["operationId"], [])
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            if parameter["in"] == "path" and seen:
                choices = sorted({one[name] for one in seen})[:8]
                parameter["schema"] = {"anyOf": [{"enum": choices}, parameter["schema"]]}
            elif name == "wait":
                parameter["schema"] = {"type": "integer", "enum": [0]}
            elif name == "fields":  # of a sparse answer the form is another: test_fields.py
                parameter["schema"] = {"type": "string", "enum": ["nothing_that_is_there"]}
    return described


def problems_of(walked: Walked, operation: Operation, examples: int) -> list[str]:
    """Return how the answers of an operation are not as described."""
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.query or operation.headers or operation.path_parameters:
        modes.append(GenerationMode.NEGATIVE)
    problems = []
    for mode in modes:
        for key, most in ((walked.key, examples), (None, 1)):
            try:
                ask_repeatedly(walked, operation, mode, key, most)
            except BaseExceptionGroup as failures:  # hypothesis shows the smallest it found
                problems.append(f"{operation.label}: {failures}")
    return problems


def ask_repeatedly(walked: Walked, operation: Operation, mode: GenerationMode, key: str | None, examples: int) -> None:
    """Send requests of a kind, the same ones in each run. Raises schemathesis' own group of failures."""

    @seed(SEED)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(operation.as_strategy(generation_mode=mode))
    def holds(case: Request) -> None:
        request = as_request(case)
        request.headers["regulars-purpose"] = PURPOSE
        case.validate_response(walked.ask(request, key), checks=CHECKS)

    holds()


def as_request(case: Request) -> httpx.Request:
    """Write a case as a request of ours: schemathesis writes those of `requests`."""
    parts = case.as_transport_kwargs(base_url=HOST)
    made = requests.Request(
        **{name: parts[name] for name in ("method", "url", "headers", "params", "json", "data") if name in parts}
    ).prepare()
    headers = [
        (name.encode(), value if isinstance(value, bytes) else value.encode("latin-1"))
        for name, value in made.headers.items()
        if name.lower() != "content-length"
    ]
    content = made.body if isinstance(made.body, bytes | str) else b""
    return httpx.Request(str(made.method), str(made.url), headers=headers, content=content)
