"""Every page of the three faces, on one page."""

from collections.abc import Callable, Sequence
from typing import Final

from litestar.types import ControllerRouterHandler

from regulars.platform.http.late_routes import Owned
from regulars.web.console.account import account_pages
from regulars.web.console.audit import audit_pages
from regulars.web.console.backups import backup_pages
from regulars.web.console.bookings import booking_pages
from regulars.web.console.corrections import correction_pages
from regulars.web.console.deeds import deed_pages
from regulars.web.console.devices import store_device_pages
from regulars.web.console.exports import export_pages
from regulars.web.console.finance import finance_pages
from regulars.web.console.health import health_pages
from regulars.web.console.holds import hold_pages
from regulars.web.console.households import household_pages
from regulars.web.console.imports import import_pages
from regulars.web.console.invitation import invitation_pages
from regulars.web.console.jobs import job_pages
from regulars.web.console.keys import key_pages
from regulars.web.console.lots import lot_pages
from regulars.web.console.members import member_pages
from regulars.web.console.messages import message_pages
from regulars.web.console.metrics import metrics_pages
from regulars.web.console.orders import all_order_pages
from regulars.web.console.outbox import outbox_pages
from regulars.web.console.overview import overview_pages
from regulars.web.console.policies import policy_pages
from regulars.web.console.privacy import privacy_pages
from regulars.web.console.programme import programme_pages
from regulars.web.console.proposals import proposal_pages
from regulars.web.console.reports import report_pages
from regulars.web.console.sign_in import staff_sign_in_pages
from regulars.web.console.staff import staff_pages
from regulars.web.console.stores import store_pages
from regulars.web.console.transfers import transfer_pages
from regulars.web.console.webhooks import webhook_pages
from regulars.web.console.welcome import welcome_pages
from regulars.web.console.why import refusal_pages
from regulars.web.kit.gallery import gallery_pages
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.reference import reference_pages
from regulars.web.kit.routes import page_router
from regulars.web.portal.card import card_pages
from regulars.web.portal.claim import claim_pages
from regulars.web.portal.consents import consent_pages
from regulars.web.portal.data import data_pages
from regulars.web.portal.devices import member_device_pages
from regulars.web.portal.door import door_pages
from regulars.web.portal.giving import giving_pages
from regulars.web.portal.household import home_pages
from regulars.web.portal.inbox import inbox_pages
from regulars.web.portal.orders import order_pages
from regulars.web.portal.points import points_pages
from regulars.web.portal.profile import profile_pages
from regulars.web.portal.sign_in import member_sign_in_pages
from regulars.web.portal.tier import tier_pages
from regulars.web.store.enrol import enrol_pages
from regulars.web.store.pages import counter_pages

# Rooms of pages, in the order in which their entries stand in the navigation.
ROOMS: Final[Sequence[Callable[[Kit], Pages]]] = (
    overview_pages,
    welcome_pages,
    member_pages,
    household_pages,
    proposal_pages,
    all_order_pages,
    store_pages,
    booking_pages,
    finance_pages,
    correction_pages,
    hold_pages,
    lot_pages,
    transfer_pages,
    message_pages,
    import_pages,
    export_pages,
    job_pages,
    door_pages,
    card_pages,
    points_pages,
    giving_pages,
    order_pages,
    claim_pages,
    inbox_pages,
    profile_pages,
    consent_pages,
    data_pages,
    home_pages,
    tier_pages,
    programme_pages,
    privacy_pages,
    policy_pages,
    staff_pages,
    store_device_pages,
    key_pages,
    webhook_pages,
    health_pages,
    backup_pages,
    metrics_pages,
    audit_pages,
    refusal_pages,
    staff_sign_in_pages,
    invitation_pages,
    account_pages,
    report_pages,
    deed_pages,
    member_sign_in_pages,
    member_device_pages,
    enrol_pages,
    counter_pages,
    outbox_pages,
    reference_pages,
)


def pages(kit: Kit) -> Owned:
    """Return every page under its router; the gallery only in development mode."""
    rooms = [*ROOMS, gallery_pages] if kit.development else list(ROOMS)
    handlers: list[ControllerRouterHandler] = [handler for room in rooms for handler in kit.take(room(kit))]
    return page_router(kit, handlers)
