"""Every page is photographed by `make photos`."""

from tests.photos.scenes import NO_PAGES, SCENES
from tests.web.access import ACCESS


def test_every_page_is_photographed() -> None:
    pages = {address for found in ACCESS.values() for address in found if address.startswith("GET ")}
    pages = {address for address in pages if not address.startswith("GET /v1/")}

    assert sorted(pages - SCENES.keys() - NO_PAGES) == [], (
        "write a scene of it into tests/photos/console_scenes.py or face_scenes.py"
    )
    assert sorted((SCENES.keys() | NO_PAGES) - pages) == [], "there is no such page"


def test_pictures_have_names_of_their_own() -> None:
    names = [scene.name for found in SCENES.values() for scene in found]

    assert sorted(names) == sorted(set(names))
