"""What a policy that is only tried out would do to members: a row each, forgotten with the preview.

`kind`: `rises` when it comes; `falls` at the next review, and would not have; `stays` where the review would have taken
the tier; `review` where only its date differs. Tiers are ranks of the policy that is tried out.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

preview_members = Table(
    "preview_members",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("preview_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("from_tier", SmallInteger, nullable=False),
    Column("to_tier", SmallInteger, nullable=False),
    Column("metric", BigInteger, nullable=False),
    Column("missing", BigInteger),
    Column("review_before", TIMESTAMP(timezone=True)),
    Column("review_after", TIMESTAMP(timezone=True)),
    Column("made_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("kind IN ('rises', 'falls', 'stays', 'review')", name="kind"),
    Index("preview_members_preview_id_member_id_idx", "preview_id", "member_id"),
)
