"""Dated versions of the API. Within one, changes only add; a change that takes away or narrows begins another.

Every operation is written for the latest version alone. What another one changed stands here as changes, one for each
operation: what an older caller sends is turned into what it is now, and the answer back into what it was then. There
is one version so far, and so nothing to turn. What a version promises stands in `tests/contract/versions`, and a test
compares the API with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from regulars.platform.http.errors import KeyVersionUnknown, VersionUnknown
from regulars.platform.http.reading import json_decoder, read_json

VERSION_HEADER: Final = "Regulars-Version"
ASKED_AS: Final = VERSION_HEADER.lower().encode()
OF_PROGRAMS: Final = "/v1/"  # addresses that have versions
_FIRST_THAT_IS_NO_ANSWER: Final = 300  # what is refused reads alike in every version

Header = tuple[bytes, bytes]


class BodyChange(NamedTuple):
    """What a body was before: `older` reads it, as strictly as ever; `to_newer` makes of that what is sent now."""

    older: type[Any]
    to_newer: Callable[[Any], Any]


class AnswerChange(NamedTuple):
    """What an answer was before: `to_older` makes it of today's, as JSON; `older` is its form, for `fields`.

    What it is given may be in its older form already: answers are kept for a day, across an upgrade, and what was
    chosen to be given along comes with it.
    """

    older: type[msgspec.Struct]
    to_older: Callable[[Any], Any]


class Change(NamedTuple):
    """What a version changed about an operation, e.g. `POST /v1/members/{member_id}/accruals`."""

    operation: str
    body: BodyChange | None = None
    answer: AnswerChange | None = None


class Version(NamedTuple):
    """A version: its date, and what was changed about operations when it began."""

    name: str
    changes: Sequence[Change] = ()


class Turn:
    """How an operation is spoken in an older version: through every change since, one after another."""

    def __init__(self, changes: Sequence[Change]) -> None:
        """Make it of the changes since that version, the oldest first."""
        bodies = [change.body for change in changes if change.body is not None]
        answers = [change.answer for change in changes if change.answer is not None]
        self._to_newer = [(json_decoder(one.older), one.to_newer) for one in bodies]
        self._to_older = [one.to_older for one in reversed(answers)]
        self.answered = answers[0].older if answers else None  # the form of the answer, if it was another

    def body(self, sent: bytes) -> bytes:
        """Return what an older caller sends as it is sent now. Raises the refusals of `read_json`."""
        for decode, to_newer in self._to_newer:
            sent = msgspec.json.encode(to_newer(read_json(decode, sent)))
        return sent

    def answer(self, answer: Any) -> Any:  # noqa: ANN401 - any JSON there is
        """Return today's answer as it was then."""
        for to_older in self._to_older:
            answer = to_older(answer)
        return answer

    def answer_written(self, status: int, written: bytes) -> bytes:
        """Return the body of an answer as it was then; a refusal is what it is."""
        if not self._to_older or status >= _FIRST_THAT_IS_NO_ANSWER:
            return written
        return msgspec.json.encode(self.answer(msgspec.json.decode(written)))


class Older(NamedTuple):
    """A version that is not the latest: the header that names it, and the operations that were others then."""

    answered: Header
    turns: Mapping[str, Turn]


class Versions:
    """The versions that are spoken, the latest last."""

    def __init__(self, first: str, *later: Version) -> None:
        self.names: tuple[str, ...] = (first, *[version.name for version in later])
        if list(self.names) != sorted(set(self.names)):
            raise ValueError(f"versions in another order than their dates: {self.names}")
        self.latest = self.names[-1]
        self.answered: Header = (ASKED_AS, self.latest.encode())
        self._older = {
            name: Older((ASKED_AS, name.encode()), _turns(later[place:])) for place, name in enumerate(self.names[:-1])
        }

    def named(self, header: bytes) -> str:
        """Return the version that a request names. Raises VersionUnknown (400)."""
        name = header.decode("latin-1")
        if name not in self.names:
            pointer = f"/headers/{VERSION_HEADER.lower()}"
            raise VersionUnknown(pointer=pointer, version=name[:32], versions=", ".join(self.names))
        return name

    def older(self, name: str) -> Older | None:
        """Return a version that is spoken, unless it is the latest."""
        return self._older.get(name)

    def of_key(self, name: str) -> Older | None:
        """Return the version that a key is pinned to, unless it is the latest; empty is that.

        Raises KeyVersionUnknown (400).
        """
        if name and name not in self.names:
            raise KeyVersionUnknown(version=name, versions=", ".join(self.names))
        return self.older(name)


def _turns(versions: Sequence[Version]) -> dict[str, Turn]:
    """Return how operations are turned through these versions, the oldest first."""
    changes: dict[str, list[Change]] = {}
    for version in versions:
        for change in version.changes:
            changes.setdefault(change.operation, []).append(change)
    return {operation: Turn(found) for operation, found in changes.items()}


# Another one is written behind the first, with its changes: Version("2027-03-01", [Change(…), …]).
SPOKEN: Final = Versions("2026-11-01")
VERSIONS: Final = SPOKEN.names
LATEST: Final = SPOKEN.latest
