"""Operations on imports, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.blocking.transport import Download, Group
from regulars_client.calls import Call, given, part
from regulars_client.models import ImportAnswer, JobAnswer, Mapped


class Imports(Group):
    """Operations on imports."""

    def begin(
        self,
        *,
        kind: str,
        format_: Literal["csv", "jsonl", "parquet"] | UnsetType = UNSET,
        mapping: Mapped | UnsetType = UNSET,
        mode: Literal["rest", "all"] | UnsetType = UNSET,
        dry_run: bool | UnsetType = UNSET,
        name: str | UnsetType = UNSET,
        content: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> ImportAnswer:
        """Begin an import.

        Begin an import of members, consents, orders, accruals. A key needs the scope for sending them one by one.

        With `content` the whole file comes along, and the answer is 202 with the job.

        `name`: For you to know it by; write nobody's name. `content`: A whole CSV or JSON Lines file.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/imports",
                ImportAnswer,
                body=given(
                    {
                        "kind": kind,
                        "format": format_,
                        "mapping": mapping,
                        "mode": mode,
                        "dry_run": dry_run,
                        "name": name,
                        "content": content,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def put_part(
        self, import_id: str, part_no: str, content: bytes, *, idempotency_key: str | None = None
    ) -> ImportAnswer:
        """Send a part of a file.

        Send the bytes of a part, up to 1,000,000, as they are (`application/octet-stream`); cut anywhere.

        A part that is sent again replaces the one before, so whatever broke off is sent anew.
        """
        return self._transport.call(
            Call(
                "PUT",
                f"/v1/imports/{part(import_id)}/parts/{part(part_no)}",
                ImportAnswer,
                body=content,
                media_type="application/octet-stream",
                takes_key=True,
                key=idempotency_key,
            )
        )

    def start(self, import_id: str, *, idempotency_key: str | None = None) -> JobAnswer:
        """Start an import.

        Have the file imported once all its parts are there; its job has the import's id.
        """
        return self._transport.call(
            Call("POST", f"/v1/imports/{part(import_id)}/start", JobAnswer, takes_key=True, key=idempotency_key)
        )

    def get(self, import_id: str) -> ImportAnswer:
        """Read an import.

        Return an import that this key began; another's is answered as one that does not exist.
        """
        return self._transport.call(Call("GET", f"/v1/imports/{part(import_id)}", ImportAnswer))

    def list_errors(self, import_id: str) -> Download:
        """Download why rows were refused.

        Return a CSV file: line of the file, column, value (`***` where it is personal), code and a sentence.

        A key needs the scope for sending such rows one by one.
        """
        return self._transport.download(Call("GET", f"/v1/imports/{part(import_id)}/errors", bytes))
