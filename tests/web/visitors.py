"""Everybody who may come to a page: each role of staff, members, devices, nobody; and what they bring along."""

from dataclasses import dataclass, field
from uuid import UUID

import httpx

from regulars.commerce import api as commerce
from regulars.commerce.contracts import DeviceEnrolled, Store
from regulars.members import api as members
from regulars.members.access.sessions import open_session as open_member_session
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff import service, sessions, store
from regulars.platform.auth.staff.contracts import Account, How, NewAccount
from regulars.platform.auth.staff.limits import terms_of
from regulars.platform.auth.staff.permissions import BOUND_TO_STORES, Role
from regulars.platform.db.transaction import Transaction
from regulars.platform.markets.contracts import Market, PrivacyRegime
from regulars.platform.markets.service import define_market
from regulars.platform.services import Services

MARKET = Market(
    code="CN",
    country="CN",
    currency="CNY",
    time_zone="Asia/Shanghai",
    language="zh-CN",
    privacy_regime=PrivacyRegime.PIPL,
)
HERE = Browser(address="127.0.0.1", user_agent="Firefox on Linux")
STORE, OTHER_STORE = "367", "406"


@dataclass
class Visitors:
    """Makes sessions, fresh each time: an act may end one."""

    services: Services
    accounts: dict[Role, Account] = field(default_factory=dict)
    members: list[UUID] = field(default_factory=list)

    async def begin(self) -> "Visitors":
        """Define a market with two stores, an account for each role, and two members."""
        async with self.services.database.transaction(actor="test") as tx:
            await define_market(tx, MARKET)
            await commerce.define_stores(tx, [Store(STORE, "CN", "Nanjing Road"), Store(OTHER_STORE, "CN", "Wudaokou")])
            for role in Role:
                self.accounts[role] = await self.account(tx, role)
            for name in ("wang", "li"):
                value = IdentityValue(IdentityKind.EMAIL, f"{name}@home.example")
                (made,) = await members.sign_up(
                    tx, self.services.vault, [SignUp(market="CN", identities=(value,), channel="online")]
                )
                assert isinstance(made, Member)
                self.members.append(made.member_id)
        return self

    async def account(self, tx: Transaction, role: Role, email: str = "") -> Account:
        """Make an account that has been set up; who works in shops works in one."""
        wish = NewAccount(
            email=email or f"{role.value}@shop.example",
            name=role.value,
            roles=(role,),
            stores=(STORE,) if role in BOUND_TO_STORES else None,
        )
        account = (await service.invite(tx, wish)).account
        tx.write(store.UPDATE_SECRETS, ("no hash", None, "a test", account.staff_id))
        return account

    async def staff(self, who: Role | Account) -> dict[str, str]:
        """Return the cookies of somebody of staff who has just signed in."""
        account = self.accounts[who] if isinstance(who, Role) else who
        async with self.services.database.transaction() as tx:
            terms = terms_of(self.services.settings)
            opened = sessions.open_session(tx, account, How.PASSWORD, terms, browser=HERE)
        return {"rgl_staff": opened.token}

    async def member(self, which: int = 0) -> dict[str, str]:
        """Return the cookies of a member who has just signed in."""
        async with self.services.database.transaction() as tx:
            opened = await open_member_session(tx, self.members[which], HERE, remember=True)
        return {"rgl_member": opened.token}

    async def device(self, store_id: str = STORE) -> dict[str, str]:
        """Return the cookies of a device that was just enrolled."""
        return {"rgl_device": (await self.enrolled(store_id)).token}

    async def enrolled(self, store_id: str = STORE) -> DeviceEnrolled:
        """Return a device that was just enrolled."""
        async with self.services.database.transaction(actor="test") as tx:
            made = await commerce.make_device_enrolment(tx, self.services.vault, store_id, "Till")
            outcome = await commerce.enrol_device(tx, self.services.vault, made.code, HERE)
        assert isinstance(outcome, DeviceEnrolled)
        return outcome


def brings(cookies: dict[str, str]) -> dict[str, str]:
    """Return the header that brings these cookies, and no others."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def is_refused(answer: httpx.Response) -> bool:
    """Whether somebody was turned away, by 401 or 403 or to a sign-in page (where whoever signs out goes as well)."""
    if answer.status_code in {401, 403}:
        return True
    sign_in = ("/console/sign-in", "/portal/sign-in", "/store/enrol")
    sent = answer.headers.get("location", "")
    return answer.status_code == 303 and sent.startswith(sign_in) and "set-cookie" not in answer.headers
