"""The kit as pages are given it: guards, rendering, listings, notices. One for a process; entrypoints makes it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from regulars.members.contracts.privacy import Parts
from regulars.platform.exports.contracts import Exported
from regulars.platform.imports.contracts import ImportKinds
from regulars.platform.services import Services
from regulars.platform.vault.cipher import key_for
from regulars.web.kit.assets import FOLDER, Assets, load_assets
from regulars.web.kit.brand import Brand, brand_of
from regulars.web.kit.demo import Demo
from regulars.web.kit.errors import PermissionNeeded
from regulars.web.kit.exports import logged_file
from regulars.web.kit.formats import formats_of
from regulars.web.kit.listings import CsvFile, Fetch, Listing, Shown
from regulars.web.kit.navigation import Group, kept_groups, navigation_for
from regulars.web.kit.notices import COOKIE, Notice, Notices, gone
from regulars.web.kit.pages import Page, Templates, html_response
from regulars.web.kit.palette import Deed, Palette, Provider
from regulars.web.kit.preferences import guides_hidden, language_for, theme_for
from regulars.web.kit.refusals import kept_under
from regulars.web.kit.viewers import Guards, Sessions, ViewerKind, viewer_of

SEE_OTHER: Final = 303
_UTC: Final = "UTC"
_FILES_AT_ONCE: Final = 2  # lists that are read for files; each holds a connection of the pool


@dataclass(frozen=True, slots=True)
class Pages:
    """What a room of pages offers: handlers, entries in its face's navigation, and what the palette finds there."""

    kind: ViewerKind
    handlers: Sequence[ControllerRouterHandler]
    navigation: Sequence[Group] = ()
    providers: Sequence[Provider] = ()
    deeds: Sequence[Deed] = ()


@dataclass(slots=True)
class Kit:
    """What every page stands on.

    `time_zone` is that in which instants are shown to viewers who have none of their own: the first market's, once it
    is known; UTC until then. `demo` is known where a demo is served. `privacy` is what all rooms have to do with it,
    `imports` what can be imported, `exports` what can be exported as whole tables.
    """

    services: Services
    sessions: Sessions
    time_zone: str | None = None
    demo: Demo | None = None
    privacy: Parts = ()
    imports: ImportKinds = field(default_factory=dict)
    exports: Exported | None = None
    assets_folder: Path = FOLDER
    navigation: dict[ViewerKind, list[Group]] = field(default_factory=dict)
    palette: Palette = field(default_factory=Palette)
    files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FILES_AT_ONCE), repr=False)
    brand: Brand = field(init=False)
    assets: Assets = field(init=False)
    templates: Templates = field(init=False)
    guards: Guards = field(init=False)
    notices: Notices = field(init=False)

    def __post_init__(self) -> None:
        """Make what follows from the rest."""
        self.brand = brand_of(self.services.settings)
        self.assets = load_assets(self.brand, self.assets_folder)
        self.templates = Templates(self.assets, follow_changes=self.development)
        self.guards = Guards(self.sessions)
        self.notices = Notices(key_for(self.services.vault.pepper, "notice"))

    def take(self, pages: Pages) -> Sequence[ControllerRouterHandler]:
        """Take note of what a room offers beside its handlers; return these."""
        self.navigation.setdefault(pages.kind, []).extend(pages.navigation)
        self.palette.providers.extend(pages.providers)
        self.palette.deeds.extend(pages.deeds)
        return pages.handlers

    @property
    def development(self) -> bool:
        """Whether the pages for development are there."""
        return self.services.settings.development

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach us encrypted, so that cookies may ask for it."""
        return (self.services.settings.public_url or "").startswith("https://")

    def page(self, request: Request[Any, Any, Any]) -> Page:
        """Return what templates know of a request's page."""
        viewer = viewer_of(request)
        language = language_for(request, viewer)
        path = request.scope["path"]
        return Page(
            path=path,
            query=request.scope["query_string"].decode("latin-1"),
            language=language,
            theme=theme_for(request),
            formats=formats_of(language, viewer.time_zone or self.time_zone or _UTC),
            viewer=viewer,
            brand=self.brand,
            navigation=navigation_for(self.navigation.get(viewer.kind, ()), viewer, path, kept_groups(request.cookies)),
            notice=self.notices.read(request.cookies),
            development=self.development,
            demo=self.demo,
            hidden_guides=guides_hidden(request),
        )

    def render(
        self,
        request: Request[Any, Any, Any],
        template: str,
        /,
        *,
        page: Page | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[Cookie] = (),
        **values: Any,  # noqa: ANN401 - what the template shows
    ) -> Response[bytes]:
        """Answer with a template, e.g. `console/members.html`; `values` are what it shows beside `page` and `ui`."""
        page = page or self.page(request)
        if refused_as := kept_under(request):
            page = replace(page, refused_as=refused_as)
        text = self.templates.render(template, page, values)
        kept = [*cookies, gone()] if COOKIE in request.cookies else list(cookies)
        return html_response(request, text, status=status, headers=headers or {}, cookies=kept)

    async def listing(
        self,
        request: Request[Any, Any, Any],
        template: str,
        listing: Listing,
        fetch: Fetch,
        /,
        **values: Any,  # noqa: ANN401 - what the template shows
    ) -> Response[Any]:
        """Answer with a listing: the page, which draws it by `ui.listing(listing)`, or its CSV file.

        `fetch` gives the rows of what is wanted; it is called again and again for a file. Raises PermissionNeeded.
        """
        page = self.page(request)
        wanted = replace(listing.wanted(request.query_params), reading=self.services.database.transaction)
        may_export = listing.export is None or page.viewer.may(listing.export)
        if request.query_params.get("format") == "csv":
            if not may_export:
                raise PermissionNeeded
            headers = {"Content-Disposition": f'attachment; filename="{listing.name}.csv"', "Cache-Control": "no-store"}
            file = CsvFile(wanted, fetch, page.formats)
            content = logged_file(self.services.database, self.files, page.viewer, listing, file)
            return Stream(content, headers=headers, media_type="text/csv")
        shown = Shown(listing=listing, wanted=wanted, slice=await fetch(wanted), path=page.path, may_export=may_export)
        return self.render(request, template, headers={"HX-Push-Url": shown.here}, listing=shown, **values)

    def see(self, path: str, notice: Notice | None = None, *, cookies: Sequence[Cookie] = ()) -> Response[bytes]:
        """Send the browser to another page after something was done, and say so there.

        Raises ValueError for a path that would end the header it stands in: a path is made of what we wrote ourselves.
        """
        if not path.isascii() or not path.isprintable():
            raise ValueError("a path has a sign that no address has")
        said = [] if notice is None else [self.notices.cookie(notice, secure=self.secure_cookies)]
        return Response(b"", status_code=SEE_OTHER, headers={"Location": path}, cookies=[*cookies, *said])
