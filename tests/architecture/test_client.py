"""The client's generated modules are what `make client` writes from the API of this checkout."""

from clients.generate import tree
from clients.generate.text import MOST_LINES

STALE = "the API changed: run `make client` (it is `python -m clients.generate`) and commit what it writes"


def test_the_client_is_written_from_this_api() -> None:
    written, held = tree.written(), tree.held()

    assert sorted(written) == sorted(held), STALE
    assert [path for path in written if written[path] != held[path]] == [], STALE
    assert [path for path, text in written.items() if text.count("\n") > MOST_LINES] == []
