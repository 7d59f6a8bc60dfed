"""Card codes: good for a minute and once, small enough for a QR code, and nobody else's."""

from base64 import b32decode, b32encode
from datetime import timedelta
from uuid import UUID

import pytest
import segno

from regulars.members import api
from regulars.members.cards.errors import CardCodeExpired, CardCodeForged, CardCodeUsed
from regulars.members.cards.service import forget_used
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.members.people import phone, rows, signed_up
from tests.platform.staffing import BEGIN, Wall

pytestmark = pytest.mark.anyio


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
async def member_id(shop: Database, vault: LocalVault) -> UUID:
    return (await signed_up(shop, vault, phone())).member_id


async def opened(shop: Database, vault: LocalVault, code: str) -> UUID | DomainError:
    """What a till learns."""
    try:
        async with shop.transaction() as tx:
            return await api.open_card_code(tx, vault, code)
    except DomainError as refusal:
        return refusal


async def test_ten_minutes_of_codes(shop: Database, vault: LocalVault, wall: Wall, member_id: UUID) -> None:
    codes = api.card_codes(vault, member_id)

    assert [(one.starts_at - BEGIN, one.shown_seconds) for one in codes] == [
        (timedelta(seconds=30 * n), 30) for n in range(20)
    ]
    assert len({one.code for one in codes}) == 20
    for one in codes:
        wall.now = one.starts_at + timedelta(seconds=29)
        assert await opened(shop, vault, one.code) == member_id
    assert codes[0].code not in repr(codes[0])


def test_a_code_is_small_enough(vault: LocalVault) -> None:
    code = api.card_codes(vault, new_id())[0].code
    qr = segno.make(code, error="m")

    assert len(code) == 54
    assert (qr.version, qr.mode, qr.error) == (3, "alphanumeric", "M")


@pytest.mark.parametrize("seconds", [-6, -5, 0, 59, 60, 999])
async def test_a_code_has_its_minute(
    shop: Database, vault: LocalVault, wall: Wall, member_id: UUID, seconds: int
) -> None:
    code = api.card_codes(vault, member_id)[3]
    wall.now = code.starts_at + timedelta(seconds=seconds)

    found = await opened(shop, vault, code.code)

    if seconds in {-5, 0, 59}:
        assert found == member_id
    else:
        assert isinstance(found, CardCodeExpired)


async def test_a_code_is_good_once(shop: Database, vault: LocalVault, wall: Wall, member_id: UUID) -> None:
    code = api.still_card_code(vault, member_id)
    assert (code.shown_seconds, code.starts_at) == (60, wall.now.replace(microsecond=0))
    typed = f" {code.code[:20].lower()} {code.code[20:]}\r\n"

    assert await opened(shop, vault, typed) == member_id
    assert isinstance(await opened(shop, vault, code.code), CardCodeUsed)
    wall.advance(seconds=60)
    assert isinstance(await opened(shop, vault, code.code), CardCodeExpired)


@pytest.mark.usefixtures("wall")
async def test_two_phones_of_one_member_do_not_use_up_each_other_s(
    shop: Database, vault: LocalVault, member_id: UUID
) -> None:
    one, two = api.card_codes(vault, member_id)[0], api.card_codes(vault, member_id)[0]

    assert one.starts_at == two.starts_at
    assert [await opened(shop, vault, code.code) for code in (one, two)] == [member_id, member_id]


async def test_a_forged_code_is_nobody_s(shop: Database, vault: LocalVault, member_id: UUID) -> None:
    code = api.still_card_code(vault, member_id).code
    raw = b32decode(code[2:] + "====")
    other = await signed_up(shop, vault, phone("139 0013 9000"))
    swapped = "RC" + b32encode(other.member_id.bytes + raw[16:]).decode().rstrip("=")
    later = "RC" + b32encode(raw[:19] + bytes([raw[19] ^ 1]) + raw[20:]).decode().rstrip("=")

    for forged in (
        swapped,
        later,
        code[:-1],
        code + "A",
        "XX" + code[2:],
        "RC" + "é" * 52,
        "RC" + "1" * 52,
        "",
        "A" * 9999,
    ):
        assert isinstance(await opened(shop, vault, forged), CardCodeForged), forged
    assert await rows(shop, "SELECT count(*) FROM used_card_codes") == [(0,)]
    stranger = api.still_card_code(vault, new_id()).code
    assert isinstance(await opened(shop, vault, stranger), CardCodeForged)


async def test_a_clock_put_back_makes_no_used_code_good_again(
    shop: Database, vault: LocalVault, wall: Wall, member_id: UUID
) -> None:
    code, at = api.still_card_code(vault, member_id), wall.now
    assert await opened(shop, vault, code.code) == member_id
    wall.advance(hours=23)
    async with shop.transaction() as tx:
        assert await forget_used(tx, at_most=10) is False
    wall.now = at

    assert isinstance(await opened(shop, vault, code.code), CardCodeUsed)
    wall.advance(days=1, minutes=2)
    async with shop.transaction() as tx:
        assert await forget_used(tx, at_most=1) is True
    assert await rows(shop, "SELECT count(*) FROM used_card_codes") == [(0,)]
