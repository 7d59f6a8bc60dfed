"""SQL of messages. Instants named `at` are the wall clock's unless said otherwise."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Question, Rows, Transaction


class Occasion(NamedTuple):
    """A fact that a member is to be told; `facts` are the figures as JSON, `occurred_at` the programme's instant."""

    member_id: UUID
    occasion_id: UUID
    facts: str
    occurred_at: datetime
    attempts: int = 0


class Stored(NamedTuple):
    """A row of messages."""

    recipient_id: UUID
    message_id: UUID
    to_member: bool
    kind: str
    channel: str
    language: str
    state: str
    urgency: int
    attempts: int
    due_at: datetime | None
    send_until: datetime
    sealed_content: bytes | None
    sealed_address: bytes | None
    answer: str
    occurred_at: datetime
    written_at: datetime
    sent_at: datetime | None
    read_at: datetime | None
    handed_over: int = 0


class Outcome(NamedTuple):
    """What became of an attempt to send. `wipe` forgets what the message says and its address.

    `not_taken`: the provider surely has it not; else the attempt counts among those that may have reached it.
    `nobody_at` is the member's address, in the clear, that the server said is nobody's: it is noted by its hash.
    """

    state: str
    answer: str
    due_at: datetime | None = None
    sent_at: datetime | None = None
    wipe: bool = False
    not_taken: bool = False
    nobody_at: str | None = None


class Recent(NamedTuple):
    """Messages that left the house lately, those written lately and given up, and all that wait after a failed try."""

    sent: int
    failed: int
    put_off: int


COLUMNS: LiteralString = """
recipient_id, message_id, to_member, kind, channel, language, state, urgency, attempts, due_at, send_until,
sealed_content, sealed_address, answer, occurred_at, written_at, sent_at, read_at, handed_over
"""

# --- occasions -----------------------------------------------------------------------------------------------------

INSERT_OCCASIONS: LiteralString = """
INSERT INTO message_occasions (member_id, occasion_id, facts, occurred_at, due_at)
SELECT fresh.*, %s FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[]) AS fresh
ON CONFLICT DO NOTHING
"""

CLAIM_OCCASIONS: LiteralString = """
SELECT member_id, occasion_id, facts, occurred_at, attempts FROM message_occasions
WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""

DELETE_OCCASIONS: LiteralString = """
DELETE FROM message_occasions USING unnest(%s::uuid[], %s::uuid[]) AS gone (member_id, occasion_id)
WHERE message_occasions.member_id = gone.member_id AND message_occasions.occasion_id = gone.occasion_id
"""

POSTPONE_OCCASION: LiteralString = """
UPDATE message_occasions SET attempts = attempts + 1, due_at = %s WHERE member_id = %s AND occasion_id = %s
"""


def insert_occasions(tx: Transaction, occasions: Sequence[Occasion], due_at: datetime) -> None:
    """Note facts that members are to be told from `due_at` on; those noted already stay as they are."""
    tx.write(
        INSERT_OCCASIONS,
        (
            due_at,
            arrays.ids([one.member_id for one in occasions]),
            arrays.ids([one.occasion_id for one in occasions]),
            arrays.texts([one.facts for one in occasions]),
            arrays.instants([one.occurred_at for one in occasions]),
        ),
    )


async def claim_occasions(tx: Transaction, at: datetime, limit: int) -> list[Occasion]:
    """Return what is due, held until the transaction ends; what others hold is left out."""
    return [Occasion(*row) for row in await tx.rows(CLAIM_OCCASIONS, (at, limit))]


def delete_occasions(tx: Transaction, occasions: Sequence[Occasion]) -> None:
    """Forget occasions: their messages are written."""
    tx.write(
        DELETE_OCCASIONS,
        (
            arrays.ids([one.member_id for one in occasions]),
            arrays.ids([one.occasion_id for one in occasions]),
        ),
    )


def postpone_occasion(tx: Transaction, occasion: Occasion, due_at: datetime | None) -> None:
    """Try an occasion again at an instant, or never (None)."""
    tx.write(POSTPONE_OCCASION, (due_at, occasion.member_id, occasion.occasion_id))


# --- writing -------------------------------------------------------------------------------------------------------

INSERT_MESSAGES: LiteralString = """
INSERT INTO messages (
    recipient_id, message_id, to_member, kind, channel, language, state, urgency, attempts, due_at, send_until,
    sealed_content, sealed_address, answer, occurred_at, written_at, sent_at, read_at
) SELECT * FROM unnest(
    %s::uuid[], %s::uuid[], %s::boolean[], %s::text[], %s::text[], %s::text[], %s::text[], %s::smallint[],
    %s::integer[], %s::timestamptz[], %s::timestamptz[], %s::bytea[], %s::bytea[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::timestamptz[]
) ON CONFLICT (recipient_id, message_id) DO NOTHING
"""


def insert_messages(tx: Transaction, messages: Sequence[Stored]) -> None:
    """Add messages; one that is there already stays as it is."""
    tx.write(
        INSERT_MESSAGES,
        (
            arrays.ids([one.recipient_id for one in messages]),
            arrays.ids([one.message_id for one in messages]),
            arrays.flags([one.to_member for one in messages]),
            arrays.texts([one.kind for one in messages]),
            arrays.texts([one.channel for one in messages]),
            arrays.texts([one.language for one in messages]),
            arrays.texts([one.state for one in messages]),
            arrays.ints([one.urgency for one in messages]),
            arrays.ints([one.attempts for one in messages]),
            arrays.instants([one.due_at for one in messages]),
            arrays.instants([one.send_until for one in messages]),
            arrays.blobs([one.sealed_content for one in messages]),
            arrays.blobs([one.sealed_address for one in messages]),
            arrays.texts([one.answer for one in messages]),
            arrays.instants([one.occurred_at for one in messages]),
            arrays.instants([one.written_at for one in messages]),
            arrays.instants([one.sent_at for one in messages]),
            arrays.instants([one.read_at for one in messages]),
        ),
    )


# --- sending -------------------------------------------------------------------------------------------------------

# Who claims a message has it until the lease ends; the number of attempts tells two holders apart.
CLAIM: LiteralString = """
WITH due AS (
    SELECT recipient_id, message_id FROM messages
    WHERE state = 'queued' AND channel = %s AND due_at <= %s
    ORDER BY urgency, due_at LIMIT %s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE messages SET attempts = messages.attempts + 1, handed_over = messages.handed_over + 1, due_at = %s FROM due
    WHERE messages.recipient_id = due.recipient_id AND messages.message_id = due.message_id
    RETURNING messages.*
)
SELECT recipient_id, message_id, to_member, kind, channel, language, state, urgency, attempts, due_at, send_until,
       sealed_content, sealed_address, answer, occurred_at, written_at, sent_at, read_at, handed_over
FROM claimed ORDER BY urgency, occurred_at, message_id
"""

SETTLE: LiteralString = """
UPDATE messages
SET state = %(state)s, due_at = %(due_at)s, sent_at = %(sent_at)s, answer = %(answer)s,
    handed_over = handed_over - %(not_taken)s::boolean::integer,
    sealed_content = CASE WHEN %(wipe)s THEN NULL ELSE sealed_content END,
    sealed_address = CASE WHEN %(wipe)s THEN NULL ELSE sealed_address END
WHERE recipient_id = %(recipient_id)s AND message_id = %(message_id)s
  AND state = 'queued' AND attempts = %(attempts)s
RETURNING message_id
"""


async def claim(tx: Transaction, channel: str, at: datetime, leased_until: datetime, limit: int) -> list[Stored]:
    """Take messages of a channel that are due, the most urgent first; nobody else gets them before `leased_until`."""
    return _stored(await tx.rows(CLAIM, (channel, at, limit, leased_until)))


async def settle(tx: Transaction, message: Stored, outcome: Outcome) -> bool:
    """Write what became of an attempt; False if the message has been taken by somebody else meanwhile."""
    parameters = outcome._replace(nobody_at=None)._asdict() | {
        "recipient_id": message.recipient_id,
        "message_id": message.message_id,
        "attempts": message.attempts,
    }
    return bool(await tx.rows(SETTLE, parameters))


# --- reading -------------------------------------------------------------------------------------------------------

INBOX: LiteralString = (
    "SELECT "
    + COLUMNS
    + """FROM messages WHERE recipient_id = %s AND to_member AND channel = 'inbox'
  AND (message_id < %s::uuid OR %s::uuid IS NULL) ORDER BY message_id DESC LIMIT %s"""
)

OF_MEMBER: LiteralString = (
    "SELECT "
    + COLUMNS
    + """FROM messages WHERE recipient_id = %s AND to_member
  AND (message_id < %s::uuid OR %s::uuid IS NULL) ORDER BY message_id DESC LIMIT %s"""
)

LISTED: LiteralString = (
    "SELECT "
    + COLUMNS
    + """FROM messages
WHERE (message_id < %(before)s::uuid OR %(before)s::uuid IS NULL)
  AND channel = ANY (%(channels)s::text[]) AND state = ANY (%(states)s::text[]) AND kind = ANY (%(kinds)s::text[])
ORDER BY message_id DESC LIMIT %(limit)s"""
)

# Few of many: the partial index finds them without passing over the others.
STUCK: LiteralString = (
    "SELECT "
    + COLUMNS
    + """FROM messages
WHERE state IN ('parked', 'failed') AND (message_id < %(before)s::uuid OR %(before)s::uuid IS NULL)
  AND channel = ANY (%(channels)s::text[]) AND state = ANY (%(states)s::text[]) AND kind = ANY (%(kinds)s::text[])
ORDER BY message_id DESC LIMIT %(limit)s"""
)

FIND: LiteralString = "SELECT " + COLUMNS + "FROM messages WHERE message_id = %s"

HOLD: LiteralString = FIND + " FOR UPDATE"

UNREAD: LiteralString = """
SELECT count(*) FROM messages WHERE recipient_id = %s AND channel = 'inbox' AND read_at IS NULL
"""

MARK_READ: LiteralString = """
UPDATE messages SET read_at = %s
WHERE recipient_id = %s AND channel = 'inbox' AND read_at IS NULL AND message_id = ANY (%s::uuid[])
RETURNING message_id
"""

MARK_READ_UP_TO: LiteralString = """
UPDATE messages SET read_at = %s
WHERE recipient_id = %s AND channel = 'inbox' AND read_at IS NULL AND message_id <= %s
RETURNING message_id
"""


async def inbox(tx: Transaction, member_id: UUID, before: UUID | None, limit: int) -> list[Stored]:
    """Return what a member's inbox holds, the latest first."""
    return _stored(await tx.rows(INBOX, (member_id, before, before, limit)))


async def of_member(tx: Transaction, member_id: UUID, before: UUID | None, limit: int) -> list[Stored]:
    """Return a member's messages of all channels, the latest first."""
    return _stored(await tx.rows(OF_MEMBER, (member_id, before, before, limit)))


async def listed(
    tx: Transaction,
    *,
    channels: Iterable[str],
    states: Sequence[str],
    kinds: Iterable[str],
    before: UUID | None,
    limit: int,
) -> list[Stored]:
    """Return messages of anybody, the latest first."""
    parameters = {
        "before": before,
        "channels": arrays.texts(channels),
        "states": arrays.texts(states),
        "kinds": arrays.texts(kinds),
        "limit": limit,
    }
    return _stored(await tx.rows(STUCK if set(states) <= {"parked", "failed"} else LISTED, parameters))


async def find(tx: Transaction, message_id: UUID, *, hold: bool = False) -> Stored | None:
    """Return one message, held until the transaction ends when asked to."""
    rows = await tx.rows(HOLD if hold else FIND, (message_id,))
    return Stored(*rows[0]) if rows else None


def ask_unread(tx: Transaction, member_id: UUID) -> Question:
    """Ask along with the next read how many messages of a member's inbox have not been read."""
    return tx.ask(UNREAD, (member_id,))


async def unread_told(tx: Transaction, question: Question) -> int:
    """Return what was asked."""
    return int((await tx.answer(question))[0][0])


async def mark_read(tx: Transaction, member_id: UUID, message_ids: Sequence[UUID], at: datetime) -> int:
    """Mark messages as read at the programme's `at`; those read before keep their mark. Returns how many are new."""
    return len(await tx.rows(MARK_READ, (at, member_id, arrays.ids(message_ids))))


async def mark_read_up_to(tx: Transaction, member_id: UUID, message_id: UUID, at: datetime) -> int:
    """Mark a message and all before it as read, as `mark_read`."""
    return len(await tx.rows(MARK_READ_UP_TO, (at, member_id, message_id)))


# --- by hand, and what is kept -------------------------------------------------------------------------------------

REQUEUE: LiteralString = """
UPDATE messages
SET state = 'queued', attempts = 0, handed_over = 0, due_at = %s, send_until = %s, answer = '', sent_at = NULL
WHERE recipient_id = %s AND message_id = %s
"""

GIVE_UP: LiteralString = """
UPDATE messages SET state = 'failed', due_at = NULL, answer = %s WHERE recipient_id = %s AND message_id = %s
"""

COUNTS: LiteralString = """
SELECT (SELECT count(*) FROM messages WHERE state = 'queued'),
       (SELECT count(*) FROM messages WHERE state = 'parked'),
       (SELECT count(*) FROM messages WHERE state = 'failed')
         + (SELECT count(*) FROM message_occasions WHERE due_at IS NULL),
       least((SELECT min(due_at) FROM messages WHERE state = 'queued'),
             (SELECT min(due_at) FROM message_occasions WHERE due_at IS NOT NULL))
"""

RECENT: LiteralString = """
SELECT (SELECT count(*) FROM messages WHERE message_id >= %(oldest)s AND sent_at >= %(since)s AND channel <> 'inbox'),
       (SELECT count(*) FROM messages WHERE message_id >= %(oldest)s AND written_at >= %(since)s AND state = 'failed'),
       (SELECT count(*) FROM messages WHERE state = 'queued' AND attempts > 0)
"""

FORGET: LiteralString = """
DELETE FROM messages USING (
    SELECT recipient_id, message_id FROM messages
    WHERE message_id < %s AND channel = ANY (%s::text[]) AND kind = ANY (%s::text[]) AND state <> 'queued' LIMIT %s
) AS old
WHERE messages.recipient_id = old.recipient_id AND messages.message_id = old.message_id
RETURNING messages.message_id
"""

BEGIN_NOTICES: LiteralString = """
INSERT INTO expiry_notices (time_zone, days, told_until) SELECT %(zone)s, %(days)s,
    greatest(%(begin)s, (SELECT told_until FROM expiry_notices WHERE time_zone = %(zone)s AND days = 0))
ON CONFLICT DO NOTHING
"""

HOLD_NOTICES: LiteralString = """
SELECT told_until, told_member FROM expiry_notices WHERE time_zone = %s AND days = %s FOR UPDATE SKIP LOCKED
"""

ADVANCE_NOTICES: LiteralString = """
UPDATE expiry_notices SET told_until = %s, told_member = %s WHERE time_zone = %s AND days = %s
"""

MAIL_STANDINGS: LiteralString = """
SELECT member_id, address_hash, asked_at, refused_at, answer FROM mail_standings WHERE member_id = ANY (%s::uuid[])
"""

NOTE_ASKED: LiteralString = """
INSERT INTO mail_standings (member_id, address_hash, asked_at) VALUES (%s, %s, %s)
ON CONFLICT (member_id, address_hash) DO UPDATE SET asked_at = excluded.asked_at
WHERE mail_standings.asked_at IS NULL RETURNING 1
"""

NOTE_REFUSED: LiteralString = """
INSERT INTO mail_standings (member_id, address_hash, refused_at, answer) VALUES (%s, %s, %s, %s)
ON CONFLICT (member_id, address_hash) DO UPDATE SET refused_at = excluded.refused_at, answer = excluded.answer
"""


class MailStanding(NamedTuple):
    """What is known of a member's e-mail address: when it was asked to be confirmed, and refused as nobody's."""

    member_id: UUID
    address_hash: bytes
    asked_at: datetime | None
    refused_at: datetime | None
    answer: str


async def mail_standings(tx: Transaction, member_ids: Sequence[UUID]) -> list[MailStanding]:
    """Return what is known of members' addresses."""
    rows = await tx.rows(MAIL_STANDINGS, (arrays.ids(member_ids),))
    return [MailStanding(member_id, bytes(address), *rest) for member_id, address, *rest in rows]


async def note_asked(tx: Transaction, member_id: UUID, address_hash: bytes, at: datetime) -> bool:
    """Note that an address is asked to be confirmed; False if it was before."""
    return bool(await tx.rows(NOTE_ASKED, (member_id, address_hash, at)))


def note_refused(tx: Transaction, member_id: UUID, address_hash: bytes, at: datetime, answer: str) -> None:
    """Note that an address was refused as nobody's, at the programme's `at`."""
    tx.write(NOTE_REFUSED, (member_id, address_hash, at, answer))


COUNT_CODE: LiteralString = """
INSERT INTO code_tallies (channel, hour, sent) VALUES (%s, %s, 1)
ON CONFLICT (channel, hour) DO UPDATE SET sent = code_tallies.sent + 1 RETURNING sent
"""

CODES_OF: LiteralString = """
SELECT coalesce(sum(sent) FILTER (WHERE hour >= %s), 0), coalesce(sum(sent), 0)
FROM code_tallies WHERE channel = %s AND hour >= %s
"""

FORGET_CODES: LiteralString = "DELETE FROM code_tallies WHERE hour < %s"


async def count_code(tx: Transaction, channel: str, hour: datetime) -> int:
    """Count one code of an hour; returns how many there are now, this one included."""
    return int((await tx.rows(COUNT_CODE, (channel, hour)))[0][0])


async def codes_of(tx: Transaction, channel: str, hour: datetime, earlier: datetime) -> tuple[int, int]:
    """Return how many codes were sent since an hour began, and since an earlier one did."""
    this_hour, in_all = (await tx.rows(CODES_OF, (hour, channel, earlier)))[0]
    return int(this_hour), int(in_all)


def forget_codes(tx: Transaction, before: datetime) -> None:
    """Delete the counts of hours that began before `before`."""
    tx.write(FORGET_CODES, (before,))


def requeue(tx: Transaction, message: Stored, due_at: datetime, send_until: datetime) -> None:
    """Let a message be sent as if for the first time."""
    tx.write(REQUEUE, (due_at, send_until, message.recipient_id, message.message_id))


def give_up(tx: Transaction, message: Stored, answer: str) -> None:
    """Send a message never more."""
    tx.write(GIVE_UP, (answer, message.recipient_id, message.message_id))


async def counts(tx: Transaction) -> tuple[int, int, int, datetime | None]:
    """Return how many are queued, parked and given up, and since when the oldest one due has been."""
    queued, parked, failed, oldest = (await tx.rows(COUNTS))[0]
    return queued, parked, failed, oldest


async def recent(tx: Transaction, since: datetime, oldest: UUID) -> Recent:
    """Return how many left the house since then (wall clock), how many written since were given up, and are put off.

    Those that left have ids from `oldest` on.
    """
    return Recent(*(await tx.rows(RECENT, {"since": since, "oldest": oldest}))[0])


async def forget(tx: Transaction, before: UUID, channels: Sequence[str], kinds: Sequence[str], limit: int) -> int:
    """Delete messages with ids older than `before`, at most `limit`; returns how many."""
    parameters = (before, arrays.texts(channels), arrays.texts(kinds), limit)
    return len(await tx.rows(FORGET, parameters))


async def hold_notices(
    tx: Transaction, time_zone: str, days: int, begin_at: datetime
) -> tuple[datetime, UUID | None] | None:
    """Return how far a time zone's members have been told `days` before, held; None if somebody else does it now.

    Where nobody was ever told, they are told of what expires after `begin_at` (programme clock).
    """
    tx.write(BEGIN_NOTICES, {"zone": time_zone, "days": days, "begin": begin_at})
    rows = await tx.rows(HOLD_NOTICES, (time_zone, days))
    return (rows[0][0], rows[0][1]) if rows else None


def advance_notices(tx: Transaction, time_zone: str, days: int, told_until: datetime, told_member: UUID | None) -> None:
    """Write how far a time zone's members have been told `days` before."""
    tx.write(ADVANCE_NOTICES, (told_until, told_member, time_zone, days))


def _stored(rows: Rows) -> list[Stored]:
    return [Stored(*row) for row in rows]
