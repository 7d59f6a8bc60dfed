"""What pages know of a demo: who may sign in, and what there is to look at. None in any other programme.

The door lists the sign-ins for whoever opens it: the data is public or invented, and the demo listens on its own
machine unless somebody says otherwise.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """Somebody of staff: `role` is the code of a role, `name` what they are called."""

    email: str
    role: str
    name: str


@dataclass(frozen=True, slots=True)
class DemoMember:
    """A member: what they are called, and the code of the tier they hold."""

    email: str
    name: str
    tier: str


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo's people, its shop, and ids of a member and of orders worth a look.

    `member_id` is a member's public id; `near_miss` the e-mail address of one who is close to the next tier.
    """

    password: str = field(repr=False)
    staff: tuple[DemoStaff, ...]
    members: tuple[DemoMember, ...]
    store_id: str
    member_id: str
    order_id: str
    returned_order_id: str
    near_miss: str
