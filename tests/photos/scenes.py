"""What is photographed: for each address of the access matrix that is a page, the scenes in which it is seen.

A scene's path may hold names of facts (an order, a member) that `tests/photos/walks.py` finds out first.
"""

from typing import Final

from tests.photos.acts import Scene
from tests.photos.console_scenes import CONSOLE
from tests.photos.face_scenes import FACES

# No pages for people: parts of a page, files, and what programs ask for.
NO_PAGES: Final = frozenset(
    {
        "GET /.well-known/oauth-authorization-server",
        "GET /apple-touch-icon.png",
        "GET /assets/{name}",
        "GET /console/finance/months/{month}/journal",
        "GET /console/corrections/waiting",
        "GET /console/imports/{import_id}/mapping/file",
        "GET /console/jobs/{job_id}/refused",
        "GET /console/palette",
        "GET /console/sign-in/oidc",
        "GET /console/sign-in/provider",
        "GET /health",
        "GET /kit/broken",
        "GET /kit/locked",
        "GET /manifest.webmanifest",
        "GET /metrics",
        "GET /openapi.json",
        "GET /portal/card/codes",
        "GET /portal/data/exports/{export_id}/{form}",
        "GET /ready",
        "GET /schema",
        "GET /schema/openapi.json",
        "GET /schema/{path}",
        "GET /worker.js",
    }
)
SCENES: Final[dict[str, tuple[Scene, ...]]] = CONSOLE | FACES

GALLERY: Final = ("", "/charts", "/forms", "/listing", "/listing/cursor", "/listing/empty")
GALLERY_FACES: Final = ("/plain", "/portal", "/refused", "/store")
for gallery_page in (*GALLERY, *GALLERY_FACES):
    name = f"kit{gallery_page or '/pieces'}"
    SCENES[f"GET /kit{gallery_page}"] = (Scene(name, f"/kit{gallery_page}", "nobody"),)
