"""The devices of shops: a code for a new one, the list, revoking."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from regulars.commerce import api as commerce
from regulars.commerce.contracts import DEVICE_PREFIX
from regulars.platform.auth.staff.contracts import Viewer
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.console.account import who
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import SIGN_IN_PATHS, ViewerKind

DEVICES: Final = "/console/devices"

AnyRequest = Request[Any, Any, Any]


class NewDevice(msgspec.Struct):
    """A device to be enrolled."""

    store_id: str
    name: str


def store_device_pages(kit: Kit) -> Pages:
    """Return the pages of devices; who is bound to stores sees those of their stores."""

    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        viewer = who(request)
        async with kit.services.database.transaction() as tx:
            devices = await commerce.list_store_devices(tx, viewer.stores)
            stores = [shop for shop in await commerce.every_store(tx) if viewer.sees_store(shop.store_id)]
        listed = [(public_id(DEVICE_PREFIX, device.device_id), device) for device in devices]
        return kit.render(
            request,
            "console/devices.html",
            status=status,
            form=form,
            devices=listed,
            stores=[(one.store_id, one.name) for one in stores],
        )

    @get(DEVICES, guards=[kit.guards.staff("devices:read")])
    async def devices(request: AnyRequest) -> Response[bytes]:
        return await show(request, blank_form())

    @post(DEVICES, guards=[kit.guards.staff("devices:write")])
    async def make_code(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, NewDevice, kit.page(request).language)
        if form.value is None:
            return await show(request, form, 422)
        viewer = who(request)
        try:
            _in_sight(viewer, form.value.store_id)
            async with kit.services.database.transaction(actor=viewer.actor) as tx:
                made = await commerce.make_device_enrolment(
                    tx, kit.services.vault, form.value.store_id, form.value.name
                )
                shop = next(one for one in await commerce.every_store(tx) if one.store_id == made.store_id)
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        base = kit.services.settings.public_url or str(request.base_url).rstrip("/")
        place = f"{base}{SIGN_IN_PATHS[ViewerKind.DEVICE]}"
        return kit.render(request, "console/device_code.html", made=made, store=shop, place=place)

    @post(f"{DEVICES}/{{device_id:str}}/revoke", guards=[kit.guards.staff("devices:write")])
    async def revoke(request: AnyRequest, device_id: FromPath[str]) -> Response[bytes]:
        viewer, found = who(request), parse_public_id(DEVICE_PREFIX, device_id)
        if found is None:
            raise NotFound
        async with kit.services.database.transaction(actor=viewer.actor) as tx:
            await commerce.revoke_device(tx, found, viewer.stores)
        return kit.see(DEVICES, Notice(mark("The device is revoked; it can do nothing from now on.")))

    entry = Entry(DEVICES, mark("Devices"), icon="device-tablet", permission="devices:read")
    group = Group(mark("Set-up"), (entry,))
    return Pages(ViewerKind.STAFF, [devices, make_code, revoke], navigation=[group])


def _in_sight(viewer: Viewer, store_id: str) -> None:
    """Refuse a store that the viewer does not see, as if it were not there."""
    if not viewer.sees_store(store_id):
        raise NotFound(pointer="/store_id")
