"""Operations on exports, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.blocking.transport import Download, Group, walk
from regulars_client.calls import Call, given, part
from regulars_client.models import ExportKindsAnswer, JobAnswer, TableExportAnswer, TableExportsPage


class Exports(Group):
    """Operations on exports."""

    def list(self, *, cursor: str | None = None, limit: int | None = None) -> TableExportsPage:
        """List exports.

        Return the exports that this key began, the last first; with the scope `admin` everybody's.
        """
        return self._transport.call(
            Call("GET", "/v1/exports", TableExportsPage, query={"cursor": cursor, "limit": limit})
        )

    def iterate(self, *, limit: int | None = None) -> Iterator[TableExportAnswer]:
        """Go through all pages of `list`, row by row."""
        return walk(lambda cursor: self.list(limit=limit, cursor=cursor), lambda page: page.exports)

    def begin(
        self,
        *,
        kind: str,
        columns: Sequence[str] | UnsetType | None = UNSET,
        importable: bool | UnsetType = UNSET,
        since: datetime | UnsetType | None = UNSET,
        until: datetime | UnsetType | None = UNSET,
        market: str | UnsetType | None = UNSET,
        store_id: str | UnsetType | None = UNSET,
        channel: str | UnsetType | None = UNSET,
        wallet: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> JobAnswer:
        """Begin an export.

        Have rows of a kind written into a file, all of one instant. `GET /v1/export-kinds` names kinds and columns.

        Beside `exports:write` a key needs the kind's scope; for personal columns `members:personal`, and the header
        `Regulars-Purpose`.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/exports",
                JobAnswer,
                body=given(
                    {
                        "kind": kind,
                        "columns": columns,
                        "importable": importable,
                        "since": since,
                        "until": until,
                        "market": market,
                        "store_id": store_id,
                        "channel": channel,
                        "wallet": wallet,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def get(self, export_id: str) -> TableExportAnswer:
        """Read an export.

        Return an export that this key began; another's is answered as one that does not exist.
        """
        return self._transport.call(Call("GET", f"/v1/exports/{part(export_id)}", TableExportAnswer))

    def delete(self, export_id: str, *, idempotency_key: str | None = None) -> TableExportAnswer:
        """Delete the file of an export.

        Delete a file before its time: as soon as you have it, best of all.
        """
        return self._transport.call(
            Call("DELETE", f"/v1/exports/{part(export_id)}", TableExportAnswer, takes_key=True, key=idempotency_key)
        )

    def list_kinds(self) -> ExportKindsAnswer:
        """List what can be exported.

        Return the kinds of rows, and what each column says. Columns are added, never taken away.
        """
        return self._transport.call(Call("GET", "/v1/export-kinds", ExportKindsAnswer))

    def download(
        self,
        export_id: str,
        *,
        format_: Literal["csv", "jsonl", "parquet"] | None = None,
        part_no: int | None = None,
        skip_rows: int | None = None,
        spreadsheet: bool | None = None,
    ) -> Download:
        """Download the file of an export.

        Return the rows as a stream, in any format; `Regulars-Rows` says how many come.

        What breaks off in the middle ends without the last chunk (HTTP/1.1), so that no program takes it for the
        whole. Take the rest by `skip_rows`, which says how many rows have arrived whole, or part by part by
        `part_no`: pieces of CSV and JSON Lines make the file when they are put one behind the other; of Parquet each
        is a file.

        `part_no`: This part alone, from 1: to go on where it broke off. `skip_rows`: So many rows have arrived
        already: those behind them, without a line of names. `spreadsheet`: CSV for a spreadsheet: no text of it is
        taken for a formula.
        """
        return self._transport.download(
            Call(
                "GET",
                f"/v1/exports/{part(export_id)}/file",
                bytes,
                query={"format": format_, "part_no": part_no, "skip_rows": skip_rows, "spreadsheet": spreadsheet},
            )
        )
