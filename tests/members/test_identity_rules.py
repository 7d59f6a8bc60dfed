"""Values written in one way, whatever way they came; and what of them is shown."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.members.contracts import IdentityKind
from regulars.members.identity.rules import Normalised, mask, normalise, reveal
from regulars.platform.errors import DomainError

PHONE, EMAIL, CARD, EXTERNAL = IdentityKind.PHONE, IdentityKind.EMAIL, IdentityKind.CARD, IdentityKind.EXTERNAL


def canonical(kind: IdentityKind, value: str, country: str | None = "CN") -> str:
    found = normalise(kind, value, country)
    return found.canonical if isinstance(found, Normalised) else found.code


@pytest.mark.parametrize(
    ("kind", "value", "country", "expected"),
    [
        (PHONE, "13800138000", "CN", "+8613800138000"),
        (PHONE, "138 0013 8000", "CN", "+8613800138000"),
        (PHONE, "１３８００１３８０００", "CN", "+8613800138000"),
        (PHONE, "tel:+86-138-0013-8000", "US", "+8613800138000"),
        (PHONE, "(614) 555-0142", "US", "+16145550142"),
        (PHONE, "06 698 12345", "IT", "+390669812345"),
        (PHONE, "+86 138 0013 8000", None, "+8613800138000"),
        (PHONE, "13800138000", None, "phone_without_country"),
        (PHONE, "13800138000", "US", "phone_impossible"),
        (PHONE, "138001380", "CN", "phone_impossible"),
        (PHONE, "(614) 555-0142 ext. 7", "US", "phone_impossible"),
        (PHONE, "+999 123 4567", None, "phone_without_country"),
        (PHONE, "call me", "CN", "phone_impossible"),
        (PHONE, "1" * 10_000, "CN", "phone_impossible"),
        (EMAIL, " Wang.Fang@EXAMPLE.com ", "CN", "wang.fang@example.com"),
        (EMAIL, "wang@例子.中国", "CN", "wang@xn--fsqu00a.xn--fiqs8s"),
        (EMAIL, "wang@xn--fsqu00a.xn--fiqs8s", "CN", "wang@xn--fsqu00a.xn--fiqs8s"),
        (EMAIL, "STRASSE@example.org", "DE", "strasse@example.org"),
        (EMAIL, "straße@example.org", "DE", "straße@example.org"),
        (EMAIL, "wang.example.com", "CN", "email_impossible"),
        (EMAIL, "wang@localhost", "CN", "email_impossible"),
        (EMAIL, "a@example.com\nBcc: b@example.com", "CN", "email_impossible"),
        (CARD, "6222 0000-1234", "CN", "622200001234"),
        (CARD, "ab12cd", "CN", "AB12CD"),
        (CARD, "ß123", "CN", "card_impossible"),
        (CARD, "123", "CN", "card_impossible"),
        (EXTERNAL, "household:900", "US", "household:900"),
        (EXTERNAL, "crm.eu:A B", "US", "crm.eu:A B"),
        (EXTERNAL, "crm:Ab", "US", "crm:Ab"),
        (EXTERNAL, "crm:", "US", "external_id_impossible"),
        (EXTERNAL, "crm: x", "US", "external_id_impossible"),
        (EXTERNAL, "CRM:x", "US", "external_id_impossible"),
        (EXTERNAL, "crm:a\x00b", "US", "external_id_impossible"),
        (EXTERNAL, "crm:" + "x" * 201, "US", "external_id_impossible"),
        (IdentityKind.OPENID, "wx1234:oABC-_d", "CN", "wx1234:oABC-_d"),
    ],
)
def test_values_are_written_in_one_way(kind: IdentityKind, value: str, country: str | None, expected: str) -> None:
    assert canonical(kind, value, country) == expected


mobile = (
    st.integers(13_000_000_000, 13_999_999_999)
    .map(str)
    .filter(lambda digits: phonenumbers.is_valid_number(phonenumbers.parse(digits, "CN")))
)


@given(mobile, st.data())
def test_a_phone_number_is_one_however_it_is_spaced(digits: str, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.sampled_from(["", " ", "-"]), min_size=10, max_size=10))
    spaced = "".join(digit + gap for digit, gap in zip(digits, [*gaps, ""], strict=True))
    prefix = data.draw(st.sampled_from(["", "+86", "+86 ", "0086 ", "+86-"]))

    found = normalise(PHONE, prefix + spaced, "CN")

    assert found == Normalised(f"+86{digits}", f"+86 {digits}")
    assert reveal(PHONE, found.written) == f"+86{digits}"
    assert mask(PHONE, found.written) == f"+86 {digits[:3]}****{digits[-4:]}"


local_parts = st.from_regex(r"[A-Za-z0-9]{1,20}([._+-][A-Za-z0-9]{1,20}){0,2}", fullmatch=True)
domains = st.from_regex(r"[A-Za-z0-9]{1,20}\.(com|org|cn|de)", fullmatch=True)


@given(local=local_parts, domain=domains, shout=st.booleans())
def test_an_address_is_one_in_capitals_and_small_letters(local: str, domain: str, *, shout: bool) -> None:
    address = f"{local}@{domain}"

    found = normalise(EMAIL, address.upper() if shout else address, "CN")

    assert isinstance(found, Normalised)
    assert found.canonical == address.lower()
    assert found.written == f"{local.upper() if shout else local}@{domain.lower()}"
    assert mask(EMAIL, found.written).endswith(f"***@{domain.lower()}")
    assert normalise(EMAIL, found.written, "CN") == found


@given(st.sampled_from(IdentityKind), st.text(max_size=80), st.sampled_from(["CN", "US", "IT", None]))
def test_any_text_is_written_in_one_way_or_refused(kind: IdentityKind, value: str, country: str | None) -> None:
    found = normalise(kind, value, country)

    if isinstance(found, DomainError):
        assert found.status == 422
        assert value not in found.message or len(value) < 3
        return
    shown = reveal(kind, found.written)
    assert normalise(kind, shown, country) == found
    assert "\x00" not in found.canonical + found.written
    assert mask(kind, found.written) != shown
    assert found.canonical not in repr(found)
