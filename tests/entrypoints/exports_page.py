"""The columns of exports, as docs/exports.md tells them: `python -m tests.entrypoints.exports_page` writes them."""

from regulars.entrypoints.exporting import PEOPLE, export_kinds
from regulars.platform.exports.contracts import CHOSEN_BY, columns_of
from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "exports.md"
HEAD = "## Columns\n"


def columns_told() -> str:
    """Return the part of the page that tells every kind and column."""
    parts = [
        HEAD,
        "Columns are added, never taken away or changed. *i*: an import of the same kind takes it.\n",
        "| personal, of every kind that says so | form | |\n|---|---|---|",
        *[f"| `{name}` | {column.form} | {column.about} |" for name, column in PEOPLE.columns.items()],
    ]
    for kind in export_kinds().values():
        chosen = [f"by `{kind.at.removeprefix('t.').removeprefix('o.')}`"] if kind.at else []
        chosen += [f"by `{name}`" for name in CHOSEN_BY if getattr(kind, name)]
        chosen += ["with personal columns"] if kind.member else []
        taken = [name for name in kind.importable if name not in kind.columns]
        parts.append(
            f"\n### `{kind.name}`\n\n{kind.about} Scope `{kind.scope}`{''.join([f', {one}' for one in chosen])}.\n"
        )
        if taken:
            parts.append(f"An import takes also: {', '.join([f'`{name}`' for name in taken])}.\n")
        parts.append("| column | form | |\n|---|---|---|")
        for name, column in columns_of(kind, PEOPLE).items():
            if not column.is_personal:
                importable = " *i*" if name in kind.importable else ""
                parts.append(f"| `{name}` | {column.form}{importable} | {column.about} |")
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the columns into the page."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(HEAD)
    PAGE.write_text(before + columns_told(), encoding="utf-8")


if __name__ == "__main__":
    main()
