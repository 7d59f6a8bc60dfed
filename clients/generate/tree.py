"""The generated files: what they should hold, and what they hold."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from clients.generate import models, operations
from clients.generate.description import Description
from clients.generate.text import module
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.db.database import Database
from regulars.platform.http.versions import LATEST
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = "clients/python/src/regulars_client"
_BY_HAND: Final = {"transport.py"}  # beside the generated modules of a package
_PACKAGES: Final = ("models", "blocking", "asynchronous")


def described() -> dict[str, Any]:
    """Return the description of the API of this checkout. No database is asked."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        services = Services(Settings(home=home), Database("postgresql://nowhere"), LocalVault(home / "vault"))
        application = create_app(services, web(services))

        async def ask() -> bytes:
            transport = httpx.ASGITransport(app=application)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
                return (await client.get("/openapi.json")).content

        found: dict[str, Any] = json.loads(asyncio.run(ask()))
    return found


def written(document: dict[str, Any] | None = None) -> dict[str, str]:
    """Return what the generated files should hold: path in the checkout, and text, formatted."""
    description = Description.of(described() if document is None else document)
    packages = {
        "models": models.modules(description),
        "blocking": operations.modules(description, operations.BLOCKING),
        "asynchronous": operations.modules(description, operations.ASYNCHRONOUS),
    }
    packages["models"]["api_version"] = module(
        "The version of the API that this client was written from, and asks for.",
        f'API_VERSION: Final = "{LATEST}"',
    )
    return _formatted(
        {f"{package}/{name}.py": text for package, texts in packages.items() for name, text in texts.items()}
    )


def held() -> dict[str, str]:
    """Return what the generated files hold."""
    return {
        f"{FOLDER}/{package}/{path.name}": path.read_text(encoding="utf-8")
        for package in _PACKAGES
        for path in sorted((ROOT / FOLDER / package).glob("*.py"))
        if path.name not in _BY_HAND
    }


def write(texts: dict[str, str]) -> list[str]:
    """Write what is not held yet, and remove what is there no more. Return the paths that changed."""
    before = held()
    for path in before.keys() - texts.keys():
        (ROOT / path).unlink()
    changed = [path for path, text in texts.items() if before.get(path) != text]
    for path in changed:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(texts[path], encoding="utf-8")
    return changed + sorted(before.keys() - texts.keys())


def _formatted(texts: dict[str, str]) -> dict[str, str]:
    """Order the imports and format, by the project's own rules."""
    with TemporaryDirectory() as folder:
        for path, text in texts.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        ruff = [sys.executable, "-m", "ruff"]
        config = ["--quiet", "--config", str(ROOT / "pyproject.toml"), folder]
        subprocess.run([*ruff, "check", "--select", "I,F401", "--fix", *config], check=True)
        subprocess.run([*ruff, "format", *config], check=True)
        return {f"{FOLDER}/{path}": (Path(folder) / path).read_text(encoding="utf-8") for path in texts}
