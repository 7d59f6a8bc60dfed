"""Files that hold anything: never a crash, every bad row told, the rest imported or none, as asked."""

import csv
import io
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.platform.errors import DomainError
from regulars.platform.imports.contracts import Mapped
from regulars.platform.imports.reading import Place, Placed, source_of
from tests.entrypoints.importing import MEMBER_CONSTANTS, Site, lines, site

__all__ = ["site"]  # the fixture
pytestmark = pytest.mark.anyio
numbers = count(1)

# What files are made of, and what breaks them.
pieces = st.one_of(
    st.sampled_from(
        [
            *[
                b"card",
                b"phone",
                b",",
                b",",
                b"\n",
                b"\n",
                b"\r\n",
                b"\r",
                b'"',
                b'""',
                b";",
                b"\xef\xbb\xbf",
                b"\xff\xfe",
            ],
            *[b"\x00", b"{", b"}", b'{"card": "M1"}', b'{"card": ["M1"]}', b'"card"', b"[]", "卡".encode(), b"\\u0000"],
        ]
    ),
    st.binary(max_size=6),
)
contents = st.lists(pieces, max_size=30).map(b"".join)


class Raw(io.RawIOBase):
    """Bytes in memory, as a file that is read from anywhere."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._kept = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._kept.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        return self._kept.readinto(buffer)


def read(form: Any, content: bytes, place: Place) -> list[Placed]:  # noqa: ANN401 - csv or jsonl
    return list(source_of(form, Raw(content), len(content), Mapped()).rows(place))


def told(found: list[Placed]) -> list[Any]:
    return [(row.line, row.columns, row.problem and row.problem.code, behind) for row, behind in found]


@settings(max_examples=300, deadline=None)
@given(form=st.sampled_from(["csv", "jsonl"]), content=contents)
def test_any_bytes_are_read_the_same_from_any_place_on(form: str, content: bytes) -> None:
    try:
        found = read(form, content, Place())
    except DomainError:
        return
    ends = [behind.at for _, behind in found]
    assert ends == sorted(set(ends))
    assert not ends or ends[-1] <= len(content)
    for at, (_, behind) in enumerate(found):
        assert told(read(form, content, behind)) == told(found[at + 1 :])


def test_a_small_file_that_unpacks_to_much_is_not_read() -> None:
    """Cells of one letter pack to nothing: what is judged is how large a group of rows is unpacked."""
    pa = pytest.importorskip("pyarrow")
    out = io.BytesIO()
    pytest.importorskip("pyarrow.parquet").write_table(pa.table({"card": ["a" * 300_000]}), out, compression="zstd")
    assert len(out.getvalue()) < 3_000

    from regulars.platform.imports.parquet import open_parquet

    assert open_parquet(Raw(out.getvalue())).size == 1
    with pytest.raises(DomainError) as refused:
        open_parquet(Raw(out.getvalue()), group_bytes=200_000)
    assert (refused.value.code, refused.value.data) == ("row_group_too_large", {"limit_bytes": 200_000})


def as_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([["card", "signed_up_at"], *rows])
    return out.getvalue().encode()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wished=st.lists(
        st.tuples(
            st.sampled_from(["good", "good", "good", "again", "blank", "impossible"]),
            st.sampled_from(
                ["", "2020-05-01T00:00:00Z", "2020-05-01T00:00:00+08:00", "1.5.2020", "1905-01-01T00:00:00Z"]
            ),
        ),
        min_size=1,
        max_size=12,
    ),
    mode=st.sampled_from(["rest", "all"]),
    form=st.sampled_from(["csv", "jsonl"]),
)
async def test_every_bad_row_is_told_and_the_rest_is_imported_or_none(
    site: Site, wished: list[tuple[str, str]], mode: str, form: str
) -> None:
    number = next(numbers)
    cards = {"again": f"F{number}again", "blank": "", "impossible": "\u00ff" * 400}
    rows = [[cards.get(card, f"F{number}x{at}"), when] for at, (card, when) in enumerate(wished)]
    refused = {
        at
        for at, (card, when) in enumerate(wished)
        if card in {"blank", "impossible"} or when == "1.5.2020" or when[:4] == "1905"
    }
    first, *others = [at for at, (card, _) in enumerate(wished) if card == "again" and at not in refused] or [-1]
    known = set(others)
    content = as_csv(rows) if form == "csv" else lines(*[{"card": card, "signed_up_at": when} for card, when in rows])
    before = (await site.rows("SELECT count(*) FROM members"))[0][0]
    job = await site.imported(content, kind="members", format=form, mode=mode, mapping={"constants": MEMBER_CONSTANTS})
    head = 2 if form == "csv" else 1
    found = [int(line.split(",")[0]) - head for line in (await site.errors(job["job_id"]))[1:]]
    assert set(found) == refused, (first, await site.errors(job["job_id"]))
    came = (await site.rows("SELECT count(*) FROM members"))[0][0] - before
    nothing = mode == "all" and bool(refused)
    assert came == (0 if nothing else len(rows) - len(refused) - len(known))
    assert job["state"] == ("failed" if nothing else "done")
    assert job["counts"]["rows"] == len(rows)
    assert job["counts"]["refused"] == len(refused)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["members", "orders", "accruals", "consents"]),
    form=st.sampled_from(["csv", "jsonl", "parquet"]),
    content=contents.filter(bool),
    headed=st.booleans(),
)
async def test_an_import_of_any_bytes_ends_and_adds_up(
    site: Site, kind: str, form: str, content: bytes, *, headed: bool
) -> None:
    if headed and form == "csv":
        content = b"card,phone\n" + content
    job = await site.imported(content, kind=kind, format=form, part_bytes=7)
    assert job["state"] in {"done", "failed"}, job
    assert job["problem"] is None or job["problem"]["code"] not in {"step_failed", "job_abandoned"}, job
    if job["state"] == "done":
        counts = job["counts"]
        assert counts["rows"] >= counts["imported"] + counts["known"] + counts["refused"]
        assert len(await site.errors(job["job_id"])) - 1 <= counts["refused"]
