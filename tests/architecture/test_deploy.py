"""What deploy/ names exists in the product: commands, options, settings, paths, files. Nothing of it can run here."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from regulars.entrypoints.cli import app
from regulars.platform.environment import describe_settings
from tests.architecture.source import ROOT

DEPLOY = ROOT / "deploy"
TEXTS = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and "prometheus" not in path.parts)
UNITS = sorted((DEPLOY / "systemd").glob("*.*er*"))
INSTALLED = "/opt/regulars/bin/regulars"
RUN = r"run --rm (?:-v \S+ )?worker"
NAMES = r"\b(?:REGULARS|DATABASE)_[A-Z_]+\b"
ANSWERED = {"/ready", "/metrics"}  # what health checks ask


def unknown(words: list[str]) -> str:
    """Return what of a command the product does not know; empty if it knows all."""
    command: Any = typer.main.get_command(app)
    for word in words:
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        if word.startswith("-"):
            if word.partition("=")[0] not in known | {"--help"}:
                return word
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return word
            command = command.commands[word]
        elif not any(parameter.param_type_name == "argument" for parameter in command.params):
            return word
    return ""


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of ours that a file of deploy/ names, without what fills it in."""
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        for said in re.findall(rf"(?:{INSTALLED}|{RUN}) ((?:[a-z-]+ ?)+)|`regulars ([^`…]+)`", text):
            yield path.name, shlex.split(next(filter(None, said)))
    for name, service in services():
        if "command" in service and service["image"] == "regulars":
            yield name, service["command"]


def services() -> list[tuple[str, dict[str, Any]]]:
    """Return the services of compose.yaml."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return list(found.items())


def unit(path: Path) -> RawConfigParser:
    """Read a unit; of what stands there twice, the last."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names of systemd are capitalised
    parser.read(path)
    return parser


def test_every_command_and_option_is_known() -> None:
    found = list(commands())
    assert {"serve", "work", "migrate", "doctor", "backup"} <= {words[0] for _, words in found}
    assert [(name, words, unknown(words)) for name, words in found if unknown(words)] == []


@pytest.mark.parametrize("words", [["sreve"], ["serve", "--no-works"], ["backup", "kees"], ["migrate", "now"]])
def test_a_planted_command_is_caught(words: list[str]) -> None:
    assert unknown(words)


def test_every_setting_exists() -> None:
    known = {setting.variable for setting in describe_settings()}
    named = {(path.name, name) for path in TEXTS for name in re.findall(NAMES, path.read_text(encoding="utf-8"))}
    assert len(named) > 10
    assert sorted(one for one in named if one[1] not in known) == []


def test_every_address_that_is_asked_for_answers() -> None:
    asked = {
        found for path in TEXTS for found in re.findall(r"127\.0\.0\.1:\d+(/\w+)", path.read_text(encoding="utf-8"))
    }
    assert asked == ANSWERED
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src/regulars").rglob("*.py")]
    assert [address for address in asked if not any(f'"{address}"' in text for text in texts)] == []


def test_the_image_is_built_from_what_there_is_and_runs_without_root() -> None:
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    copied = [part for word, rest in lines if word == "COPY" and "--from" not in rest for part in rest.split()[:-1]]
    lists = re.findall(r"-r (\S+)", text)
    assert copied
    assert lists
    assert [name for name in (*copied, *lists) if not (ROOT / name).exists()] == []
    assert text.count("pip install") == text.count("--require-hashes") + text.count("--no-deps --no-index")
    last = [rest for word, rest in lines if word == "USER"][-1]
    assert last == "10001"
    assert {"HEALTHCHECK", "STOPSIGNAL", "EXPOSE"} <= {word for word, _ in lines}
    ports = {setting.default for setting in describe_settings() if setting.variable == "REGULARS_PORT"}
    assert {rest for word, rest in lines if word == "EXPOSE"} == ports


def test_the_builder_gets_what_the_image_is_made_of_and_nothing_else() -> None:
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)

    assert taken == {name for line in copied for name in line.split()}


def test_services_use_what_is_declared_and_open_nothing_to_the_world() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, service in services():
        volumes = [mount.partition(":")[0] for mount in service.get("volumes", [])]
        assert set(volumes) <= compose["volumes"].keys(), name
        assert set(service.get("secrets", [])) <= compose["secrets"].keys(), name
        assert set(service.get("depends_on", {})) <= compose["services"].keys(), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        if service["image"] == "regulars":
            assert (service["read_only"], service["cap_drop"], service.get("privileged")) == (True, ["ALL"], None), name
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve().is_file()
            assert (DEPLOY / service["env_file"]).is_file()
    archiving = str(compose["services"]["postgres"]["command"])
    said = re.search(r"archive_command = '(.*)'", (ROOT / "docs" / "backup.md").read_text(encoding="utf-8"))
    assert said is not None
    assert said[1].replace("/mnt/archive", "/backups/wal") in archiving
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    secrets = [Path(secret["file"]).parent for secret in compose["secrets"].values()]
    assert secrets
    assert all(f"/deploy/{folder}/" in ignored for folder in secrets)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_right_and_may_do_no_more_than_it_must(path: Path, tmp_path: Path) -> None:
    read = unit(path)
    if path.suffix == ".service":
        service = read["Service"]
        assert service["User"] == "regulars"
        wanted = {
            "NoNewPrivileges": "yes",
            "ProtectSystem": "strict",
            "ProtectHome": "yes",
            "CapabilityBoundingSet": "",
        }
        assert {name: service.get(name) for name in wanted} == wanted
        assert service["ExecStart"].startswith(f"{INSTALLED} ")
    else:
        assert path.with_suffix(".service") in UNITS, "a timer starts the service of its name"
    if shutil.which("systemd-analyze") is None:
        return
    for one in UNITS:
        (tmp_path / one.name).write_text(one.read_text().replace(INSTALLED, sys.executable))
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / path.name)]
    looked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert [line for line in looked.stderr.splitlines() if "regulars" in line] == []
    assert looked.returncode == 0, looked.stderr


def test_every_file_that_the_page_names_is_there() -> None:
    text = (DEPLOY / "README.md").read_text()
    named = set(re.findall(r"\]\(([^)#]+)", text)) | {
        f"../{name}" for name in re.findall(r"(?<!\S)((?:deploy|requirements|tests)/[\w./*-]+\w)", text)
    }
    missing = [name for name in named if not list(DEPLOY.glob(name) if "*" in name else [DEPLOY / name])]
    absent = [name for name in named if "*" not in name and not (DEPLOY / name).exists()]
    assert sorted(missing + absent) == ["../deploy/secrets", "../deploy/secrets/database_password"]
    units = set(re.findall(r"regulars-\w+\.(?:service|timer)", text))
    assert units <= {path.name for path in UNITS}
