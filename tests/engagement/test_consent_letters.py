"""The letter that asks to confirm a consent: to the very address, without a name or a figure, forgotten once sent."""

from pathlib import Path
from uuid import UUID

import pytest

from regulars.engagement.channels.sending.transport import Outgoing
from regulars.engagement.contracts import Message, MessageChannel, MessageKind
from regulars.entrypoints.wiring import Place, opened
from regulars.members import api as members
from regulars.members.contracts import Consent, ConsentChannel, ConsentGiven, Decision, Purpose
from regulars.platform.settings import Settings
from tests.engagement.post_office import ADDRESS, PostOffice

pytestmark = pytest.mark.anyio

ASKED = frozenset({Purpose.MARKETING})


class Posted:
    """A mail server that takes everything."""

    is_paid = False

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []

    async def send(self, outgoing: Outgoing) -> str:
        self.taken.append(outgoing)
        return "250 taken"


async def asked(office: PostOffice, member_id: UUID) -> Consent:
    wish = ConsentGiven(
        member_id=member_id,
        purpose=Purpose.MARKETING,
        channel=ConsentChannel.EMAIL,
        decision=Decision.GIVEN,
        wording_version="v1",
        where="store",
        actor="test",
        language="zh",
        wording="请给我发优惠。",
    )
    async with office.database.transaction() as tx:
        (outcome,) = await members.record_consents(tx, [wish], double_opt_in=ASKED)
    assert isinstance(outcome, Consent), outcome
    return outcome


async def letters(office: PostOffice) -> list[Message]:
    return [one for one in await office.messages() if one.ref.kind is MessageKind.CONFIRM_CONSENT]


@pytest.mark.parametrize("proved", [True, False])
async def test_the_letter_leads_to_the_confirmation(database_url: str, tmp_path: Path, *, proved: bool) -> None:
    async with opened(Settings(home=tmp_path, development=True), Place(database_url, database_url)) as services:
        office = await PostOffice.open(services.database, services.vault)  # type: ignore[arg-type] # a LocalVault it is
        member_id = await office.member(name="楚云深", proved=proved)
        request = await asked(office, member_id)
        await office.write()
        await office.write()
        (letter,) = await letters(office)
        posted = Posted()
        await office.courier(posted).drain()  # type: ignore[arg-type] # has what a transport has
        (sent,) = posted.taken
        link = sent.rendered.text.partition("https://club.example")[2].split()[0]
        async with office.database.transaction() as tx:
            confirmed = await members.confirm_consent(tx, link.rpartition("/")[2])
        async with office.database.transaction() as tx:
            sendable = await members.may_send(tx, [member_id], Purpose.MARKETING, ConsentChannel.EMAIL)

        assert letter.ref.channel is MessageChannel.EMAIL
        assert letter.letter is not None
        assert sent.address == ADDRESS
        assert "请给我发优惠。" in sent.rendered.text
        assert "楚云深" not in sent.rendered.text + sent.rendered.html + sent.rendered.subject
        assert link.startswith("/portal/confirm-consent/")
        assert confirmed.consent_id == request.consent_id
        assert sendable == {member_id}
        kept = "SELECT sealed_content, sealed_address FROM messages WHERE kind = 'confirm_consent'"
        assert await office.rows(kept) == [(None, None)], "what opens something is forgotten once it has left the house"


async def test_nothing_is_written_for_what_was_taken_back_meanwhile(database_url: str, tmp_path: Path) -> None:
    async with opened(Settings(home=tmp_path, development=True), Place(database_url, database_url)) as services:
        office = await PostOffice.open(services.database, services.vault)  # type: ignore[arg-type] # a LocalVault it is
        member_id = await office.member()
        await asked(office, member_id)
        back = ConsentGiven(
            member_id=member_id,
            purpose=Purpose.MARKETING,
            channel=ConsentChannel.EMAIL,
            decision=Decision.WITHDRAWN,
            wording_version="v1",
            where="store",
            actor="test",
        )
        async with office.database.transaction() as tx:
            await members.record_consents(tx, [back], double_opt_in=ASKED)
        await office.write()

        assert await letters(office) == []
        assert await office.rows("SELECT count(*) FROM message_occasions") == [(0,)]
