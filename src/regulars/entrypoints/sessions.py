"""Whose session a cookie is: the pages' question, answered by the rooms that open sessions."""

from collections.abc import Mapping

from regulars.commerce import api as commerce
from regulars.engagement import api as engagement
from regulars.members import api as members
from regulars.members.contracts import ChangeProfile, ProfileChange
from regulars.platform.auth.staff.service import set_language
from regulars.platform.markets.service import market
from regulars.platform.services import Services
from regulars.web.kit.viewers import COOKIES, Viewer, ViewerKind


class SignedIn:
    """The sessions of staff, of members, and of the devices of shops."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def find(self, kind: ViewerKind, cookies: Mapping[str, str]) -> Viewer | None:
        """Return the viewer of this kind whose session a browser holds; None if there is none, or none any more."""
        token = cookies.get(COOKIES[kind])
        if not token:
            return None
        if kind is ViewerKind.STAFF:
            return await self._staff(token)
        if kind is ViewerKind.MEMBER:
            return await self._member(token)
        return await self._device(token, cookies.get(COOKIES[ViewerKind.STAFF], ""))

    async def remember_language(self, viewer: Viewer, language: str) -> None:
        """Keep the language that a signed-in viewer chose; a device has none of its own."""
        if viewer.id is None or viewer.kind is ViewerKind.DEVICE:
            return
        async with self._services.database.transaction(actor=viewer.session.actor) as tx:
            if viewer.kind is ViewerKind.STAFF:
                await set_language(tx, viewer.id, language)
            else:
                wish = ChangeProfile(member_id=viewer.id, change=ProfileChange(language=language))
                await members.change_profile(tx, self._services.vault, wish)

    async def _staff(self, token: str) -> Viewer | None:
        found = await self._services.staff.recognise(token)
        if found is None:
            return None
        return Viewer(
            kind=ViewerKind.STAFF,
            id=found.staff_id,
            name=found.name,
            session_id=found.session_id,
            permissions=found.permissions,
            stores=found.stores,
            language=found.language,
            session=found,
        )

    async def _member(self, token: str) -> Viewer | None:
        claimed = members.claimed_member(token)
        if claimed is None:
            return None
        async with self._services.database.transaction() as tx:
            unread = engagement.ask_unread(tx, claimed)
            found = await members.recognise_member(tx, self._services.settings, token)
            if found is None:
                return None
            news = await unread()
            time_zone = (await market(tx, found.market)).time_zone
        return Viewer(
            kind=ViewerKind.MEMBER,
            id=found.member_id,
            session_id=found.session_id,
            language=found.language,
            time_zone=time_zone,
            news=news,
            session=found,
        )

    async def _device(self, token: str, staff_token: str) -> Viewer | None:
        """What may be done at a device is more while somebody of staff is signed in at it."""
        async with self._services.database.transaction() as tx:
            found = await commerce.recognise_device(tx, token)
            if found is None:
                return None
            time_zone = (await market(tx, found.market)).time_zone
        staff = await self._services.staff.recognise(staff_token)
        known = staff is not None and staff.sees_store(found.store_id)
        needs_person = self._services.settings.till_needs_person
        return Viewer(
            kind=ViewerKind.DEVICE,
            id=found.device_id,
            name=f"{found.store_name} · {staff.name}" if staff is not None and known else found.store_name,
            permissions=commerce.counter_permissions(found, staff, needs_person=needs_person),
            stores=frozenset([found.store_id]),
            time_zone=time_zone,
            session=found,
        )
