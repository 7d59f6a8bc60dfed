"""What a caller is told: field, pointer, remedy, in the caller's language."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Meta, Struct, field

from regulars.platform.commit.errors import MemberBusy
from regulars.platform.errors import BodyTooLarge, Conflict, InvalidInput, NotFound
from regulars.platform.http.problems import internal_fault_body, problem_body
from regulars.platform.http.reading import json_decoder, read_json
from regulars.platform.texts import negotiate


class Payer(Struct, forbid_unknown_fields=True):
    given_name: str = ""
    member_id: str = ""


class Inner(Struct, forbid_unknown_fields=True):
    qty: Annotated[int, Meta(gt=0, le=10)] = 1
    sku: Annotated[str, Meta(min_length=1, max_length=3)] = "a"
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "CNY"
    at: Annotated[datetime, Meta(tz=True)] | None = None
    day: date | None = None
    id: UUID | None = None
    weight: Decimal | None = None
    kind: Literal["a", "b"] = "a"
    counts: dict[str, int] = field(default_factory=dict)
    tags: Annotated[list[str], Meta(min_length=1)] = field(default_factory=lambda: ["x"])
    step: Annotated[int, Meta(multiple_of=5)] = 5
    rate: float = 1.0
    either: int | str | None = 1
    payer: Payer | None = None
    by_name: dict[str, list[Payer]] = field(default_factory=dict, name="byName")


class Outer(Struct, forbid_unknown_fields=True):
    id: str
    lines: list[Inner] = field(default_factory=list)


decode = json_decoder(Outer)
FIRST = "qty, sku, currency, at, day, id, weight, kind, counts, tags, step"


def refusal(body: bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_json(decode, body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "code", "pointer", "data"),
    [
        (b"{}", "field_missing", "/id", {"field": "id"}),
        (b'{"id": 1}', "wrong_type", "/id", {"field": "id", "expected": "string", "received": "integer"}),
        (b'{"id": "x", "zz": 1}', "field_unknown", "/zz", {"field": "zz", "known": "id, lines"}),
        (b'{"id": "x", "a/b~c": 1}', "field_unknown", "/a~1b~0c", {"field": "a/b~c", "known": "id, lines"}),
        (b'{"id": "x", "Line": 1}', "field_unknown", "/Line", {"field": "Line", "known": "lines, id"}),
        (b"[]", "wrong_type", "", {"field": "body", "expected": "object", "received": "array"}),
        (b"null", "wrong_type", "", {"field": "body", "expected": "object", "received": "null"}),
    ],
)
def test_the_body_itself(body: bytes, code: str, pointer: str, data: dict[str, str]) -> None:
    found = refusal(body)

    assert (found.code, found.status, found.pointer, found.data) == (code, 422, pointer, data)


@pytest.mark.parametrize(
    ("line", "code", "place", "data"),
    [
        ('"qty": "2"', "wrong_type", "qty", {"expected": "integer", "received": "string"}),
        ('"qty": 1.5', "wrong_type", "qty", {"expected": "integer", "received": "number"}),
        ('"qty": 0', "out_of_range", "qty", {"limit": ">= 1"}),
        ('"qty": 11', "out_of_range", "qty", {"limit": "<= 10"}),
        ('"qty": 99999999999999999999999', "out_of_range", "qty", {"limit": "<= 10"}),
        ('"step": 3', "out_of_range", "step", {"limit": "a multiple of 5"}),
        ('"rate": 1e999', "out_of_range", "rate", {"limit": "<= 9223372036854775807"}),
        ('"sku": ""', "wrong_length", "sku", {"limit": ">= 1"}),
        ('"sku": "abcd"', "wrong_length", "sku", {"limit": "<= 3"}),
        ('"tags": []', "wrong_length", "tags", {"limit": ">= 1"}),
        ('"currency": "cny"', "wrong_pattern", "currency", {"pattern": "^[A-Z]{3}$"}),
        ('"at": "yesterday"', "wrong_form", "at", {"example": "2026-05-01T12:00:00Z"}),
        ('"at": "2026-05-01T12:00:00"', "wrong_form", "at", {"example": "2026-05-01T12:00:00Z"}),
        ('"at": 1', "wrong_type", "at", {"expected": "string | null", "received": "integer"}),
        ('"day": "01/05/2026"', "wrong_form", "day", {"example": "2026-05-01"}),
        ('"id": "x"', "wrong_form", "id", {"example": "0190f0c2-7c5a-7cc5-8f8c-1d2e3f405162"}),
        ('"weight": "x"', "wrong_form", "weight", {"example": "1.25"}),
        ('"kind": "c"', "not_a_choice", "kind", {"value": "c", "choices": "a, b"}),
        ('"either": []', "wrong_type", "either", {"expected": "integer | string | null", "received": "array"}),
        ('"counts": {"k": "x"}', "wrong_type", "counts", {"expected": "integer", "received": "string"}),
        ('"tags": ["x", 1]', "wrong_type", "tags[1]", {"expected": "string", "received": "integer"}),
        ('"zz": 1', "field_unknown", "zz", {"known": f"{FIRST}, rate, …"}),
    ],
)
def test_a_field_of_the_second_line(line: str, code: str, place: str, data: dict[str, str]) -> None:
    found = refusal(f'{{"id": "x", "lines": [{{}}, {{{line}}}]}}'.encode())

    assert (found.code, found.status) == (code, 422)
    assert found.pointer == "/lines/1/" + place.replace("[1]", "/1")
    assert found.data == {"field": f"lines[1].{place}", **data}


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ('"currnecy": 1', "currency, "),
        ('"Tag": []', "tags, "),
        ('"payer": {"memberid": 1}', "member_id, given_name"),
        ('"byName": {"x": [{"given-name": 1}]}', "given_name, member_id"),
    ],
)
def test_of_the_fields_that_there_are_the_likeliest_is_told_first(line: str, known: str) -> None:
    told = refusal(f'{{"id": "x", "lines": [{{{line}}}]}}'.encode()).data["known"]

    assert str(told).startswith(known)


@pytest.mark.parametrize(
    ("body", "code", "data"),
    [
        (b"", "body_missing", {}),
        (b"  \n", "body_missing", {}),
        (b'{"id": ', "malformed_json", {"byte": 7}),
        (b'{"id": "x",}', "malformed_json", {"byte": 11}),
        (b'{"id": "x"} y', "malformed_json", {"byte": 13}),
        (b'{"id": NaN}', "malformed_json", {"byte": 7}),
        (b'{"id": "\x00"}', "malformed_json", {"byte": 8}),
        (b'{"id": "\xff"}', "invalid_utf8", {}),
        (b"\xff", "invalid_utf8", {}),
        (b'{"id": "a\\u0000"}', "nul_in_text", {}),
        (b'{"id": "a\\\\\\u0000"}', "nul_in_text", {}),
        (b'{"id": ' + b"[" * 200_000, "wrong_type", {"field": "id", "expected": "string", "received": "array"}),
    ],
)
def test_what_cannot_be_read(body: bytes, code: str, data: dict[str, Any]) -> None:
    found = refusal(body)

    assert (found.code, found.data) == (code, data)
    assert found.status == (422 if code == "wrong_type" else 400)


def test_a_text_about_nul_is_no_nul() -> None:
    assert read_json(decode, b'{"id": "a\\\\u0000"}').id == "a\\u0000"


def test_a_callers_value_is_not_repeated_at_length() -> None:
    found = refusal(b'{"id": "x", "' + b"z" * 10_000 + b'": 1}')

    assert len(problem_body(found, "en", "r")) < 1000


def test_the_document_in_both_languages() -> None:
    found = refusal(b'{"id": "x", "lines": [{"qty": 0}]}')

    english, chinese = (json.loads(problem_body(found, language, "req_1")) for language in ("en", "zh"))

    sentence = "The number in lines[0].qty must be >= 1. Correct it and send the request again."
    assert english == {
        "type": "urn:regulars:problem:out_of_range",
        "title": "Out of range",
        "status": 422,
        "detail": sentence,
        "code": "out_of_range",
        "instance": "req_1",
        "errors": [{"pointer": "/lines/0/qty", "detail": sentence}],
        "data": {"field": "lines[0].qty", "limit": ">= 1"},
    }
    assert chinese["detail"] == "字段 lines[0].qty 中的数必须 >= 1。请更正后重新发送。"
    assert {**chinese, "detail": "", "errors": []} == {**english, "detail": "", "errors": []}


def test_data_keeps_its_types_and_absent_parts_are_left_out() -> None:
    assert json.loads(problem_body(MemberBusy(retry_after_seconds=1), "en", "r"))["data"] == {"retry_after_seconds": 1}
    assert set(json.loads(problem_body(NotFound(), "en", "r"))) == {
        "type", "title", "status", "detail", "code", "instance",
    }  # fmt: skip


def test_a_bug_says_so_and_no_more() -> None:
    told = json.loads(internal_fault_body("zh", "req_1"))

    assert (told["status"], told["code"], told["instance"]) == (500, "internal_fault", "req_1")
    assert "req_1" in told["detail"]
    assert "故障" in told["detail"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.2, zh;q=0.9", "zh"),
        ("fr, de", "en"),
        ("zh;q=0", "en"),
        ("zh;q=x", "en"),
    ],
)
def test_the_language_of_the_caller(header: str | None, language: str) -> None:
    assert negotiate(header) == language


def test_numbers_in_a_sentence_are_grouped_and_those_that_count_nothing_are_not() -> None:
    class Odd(Conflict):
        code = "odd"
        message = "{limit} of {first_year} in version {version}: {asked}, {known}"

    refusal = Odd(limit=1_000_000, first_year=1900, version=1234, asked=-25_000, known=True)
    assert refusal.said("en") == "1,000,000 of 1900 in version 1234: -25,000, True"
    told = json.loads(problem_body(BodyTooLarge(limit_bytes=1_048_576), "zh", "req_1"))
    assert ("1,048,576" in told["detail"], told["data"]) == (True, {"limit_bytes": 1_048_576})
