"""The npm packages are exactly those that were chosen, and name no place they come from."""

import json
import re

from tests.architecture.source import ROOT

UI = ROOT / "ui"


def test_every_package_is_pinned() -> None:
    described = json.loads((UI / "package.json").read_text(encoding="utf-8"))
    chosen = described["dependencies"] | described["devDependencies"]

    assert len(chosen) > 5
    assert {name: wanted for name, wanted in chosen.items() if not re.fullmatch(r"\d+\.\d+\.\d+", wanted)} == {}


def test_the_lock_names_hashes_and_no_place() -> None:
    locked = json.loads((UI / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages = {name: about for name, about in locked.items() if name}

    assert len(packages) > 20
    assert [name for name, about in packages.items() if "resolved" in about] == []
    assert [name for name, about in packages.items() if not about.get("integrity", "").startswith("sha512-")] == []


def test_no_package_runs_a_script() -> None:
    assert "ignore-scripts=true" in (UI / ".npmrc").read_text(encoding="utf-8").splitlines()
