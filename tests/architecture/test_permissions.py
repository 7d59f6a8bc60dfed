"""Every permission that a role gives is asked for somewhere: one that nobody asks for promises what is not there."""

import ast
from collections.abc import Iterator

from regulars.platform.auth.staff.permissions import PERMISSIONS, ROLES
from tests.architecture.source import ROOT

PAGES = ROOT / "src" / "regulars" / "web"


def texts_of_pages() -> Iterator[str]:
    for path in sorted(PAGES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_every_permission_is_asked_for() -> None:
    assert sorted(set(PERMISSIONS) - set(texts_of_pages())) == []


def test_roles_give_what_there_is() -> None:
    assert sorted(set().union(*ROLES.values()) - set(PERMISSIONS)) == []
