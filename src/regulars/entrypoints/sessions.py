"""Whose session a cookie is: the pages' question, answered by the rooms that open sessions."""

from regulars.platform.auth.staff.service import set_language
from regulars.platform.services import Services
from regulars.web.kit.viewers import Viewer, ViewerKind


class SignedIn:
    """The sessions of staff (of members and shop devices, as they come)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def find(self, kind: ViewerKind, token: str) -> Viewer | None:
        """Return the viewer whose session this is; None if there is none, or none any more."""
        return await self._staff(token) if kind is ViewerKind.STAFF else None

    async def remember_language(self, viewer: Viewer, language: str) -> None:
        """Keep the language that a signed-in viewer chose."""
        if viewer.kind is ViewerKind.STAFF and viewer.id is not None:
            async with self._services.database.transaction(actor=viewer.session.actor) as tx:
                await set_language(tx, viewer.id, language)

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
