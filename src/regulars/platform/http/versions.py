"""Dated versions of the API. Within one, changes only add; a change that takes away or narrows begins another.

What a version promises stands in `tests/contract/versions`, and a test compares the API with it. There is one so far,
so that nothing is turned from one into another.
"""

from typing import Final

from regulars.platform.http.errors import VersionUnknown

VERSION_HEADER: Final = "Regulars-Version"
ASKED_AS: Final = VERSION_HEADER.lower().encode()
VERSIONS: Final = ("2026-11-01",)  # the latest last
LATEST: Final = VERSIONS[-1]
OF_PROGRAMS: Final = "/v1/"  # addresses that have versions
ANSWERED: Final = (ASKED_AS, LATEST.encode())
ANSWERED_LINE: Final = b"%b: %b\r\n" % ANSWERED
_KNOWN: Final = frozenset([version.encode() for version in VERSIONS])


def check_version(named: bytes | None) -> None:
    """Refuse a version that is not spoken here. Raises VersionUnknown (400)."""
    if named is not None and named not in _KNOWN:
        raise VersionUnknown(
            pointer=f"/headers/{VERSION_HEADER.lower()}",
            version=named.decode("latin-1")[:32],
            versions=", ".join(VERSIONS),
        )
