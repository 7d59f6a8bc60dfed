"""Files that hold anything: never a crash, every bad row told, the rest imported or none, as asked."""

import csv
import gc
import io
import resource
from itertools import count
from pathlib import Path
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
    return [(row.line, row.columns, row.problem and row.problem.code, behind) for row, behind, _ in found]


@settings(max_examples=300, deadline=None)
@given(form=st.sampled_from(["csv", "jsonl"]), content=contents)
def test_any_bytes_are_read_the_same_from_any_place_on(form: str, content: bytes) -> None:
    try:
        found = read(form, content, Place())
    except DomainError:
        return
    ends = [placed.behind.at for placed in found]
    assert ends == sorted(set(ends))
    assert not ends or ends[-1] <= len(content)
    for at, placed in enumerate(found):
        assert told(read(form, content, placed.behind)) == told(found[at + 1 :])


def in_parquet(table: Any, **options: Any) -> bytes:  # noqa: ANN401 - pyarrow carries no types
    out = io.BytesIO()
    pytest.importorskip("pyarrow.parquet").write_table(table, out, compression="zstd", **options)
    return out.getvalue()


def varint(number: int, digits: int = 0) -> bytes:
    """Write a number as the footer of Parquet has it, with so many digits where that is more than it needs."""
    number, found = number * 2, list[int]()
    while number or len(found) < max(digits, 1):
        found.append(number % 128 | 128)
        number //= 128
    return bytes([*found[:-1], found[-1] & 127])


def lying(content: bytes) -> bytes:
    """Let a file's footer say that what is unpacked is small."""
    told = pytest.importorskip("pyarrow.parquet").ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    size = varint(told.column(0).total_uncompressed_size)
    at = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    changed = content[:at] + content[at:].replace(size, varint(100, len(size)))
    assert changed != content
    return changed


def test_a_small_file_that_says_that_it_unpacks_to_much_is_not_read() -> None:
    """Cells of one letter pack to nothing: what is judged is how large a group of rows is unpacked."""
    pa = pytest.importorskip("pyarrow")
    content = in_parquet(pa.table({"card": ["a" * 300_000]}))
    assert len(content) < 3_000

    from regulars.platform.imports.parquet import open_parquet

    assert open_parquet(Raw(content), len(content)).size == 1
    with pytest.raises(DomainError) as refused:
        open_parquet(Raw(content), len(content), group_bytes=200_000)
    assert (refused.value.code, refused.value.data) == ("row_group_too_large", {"limit_bytes": 200_000})


async def test_a_file_that_lies_about_its_size_or_means_more_than_it_says_fails_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it needs is taken by a process of its own, and no more than is given to that."""
    pa = pytest.importorskip("pyarrow")
    from regulars.platform.imports import parquet

    monkeypatch.setattr(parquet, "UNPACKING_BYTES", 20_000_000)
    lie = lying(in_parquet(pa.table({"card": ["a" * 40_000_000]}), use_dictionary=False))
    often = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["b" * 1_000_000]))
    long = in_parquet(pa.table({"card": ["M0000001", "c" * 1_000_001, "M0000002"]}))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for content in (lie, in_parquet(pa.table({"card": often}), store_schema=False)):
        assert len(content) < 10_000
        job = await site.imported(content, kind="members", format="parquet")
        assert (job["state"], job["problem"]["code"]) == ("failed", "row_group_too_large")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < most + 30_000, "kilobytes of this process"
    job = await site.imported(long, kind="members", format="parquet", mapping={"constants": MEMBER_CONSTANTS})
    assert (job["counts"]["imported"], job["counts"]["refused"]) == (2, 1)
    assert [line.split(",")[0:4:3] for line in (await site.errors(job["job_id"]))[1:]] == [["2", "row_too_long"]]


def test_the_process_that_unpacks_ends_with_whoever_asked() -> None:
    pa = pytest.importorskip("pyarrow")
    from regulars.platform.imports.parquet import open_parquet

    content = in_parquet(pa.table({"card": ["M1", "M2"]}))
    source = open_parquet(Raw(content), len(content))
    assert [placed.row.columns for placed in source.rows(Place())] == [{"card": "M1"}, {"card": "M2"}]
    started = source._process._started.pid  # type: ignore[attr-defined]  # of Parquet
    assert Path(f"/proc/{started}").exists()
    del source
    gc.collect()
    assert not Path(f"/proc/{started}").exists()


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
