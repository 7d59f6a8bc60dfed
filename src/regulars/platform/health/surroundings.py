"""What a deployment stands on beside its database: settings, folders, keys, proxies. A look changes nothing."""

import os
import stat
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from regulars.platform.environment import describe_settings
from regulars.platform.health.contracts import Looked, Sentence, State
from regulars.platform.http.origin import proxy_not_believed
from regulars.platform.settings import Settings
from regulars.platform.texts import mark

PREFIX: Final = "REGULARS_"
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_KEYS: Final = "*.key"


def look_at_settings(settings: Settings, environ: Mapping[str, str], database: str) -> Looked:
    """Is everything that is set a setting, and does one not contradict another? `database` is its address as shown."""
    said = Sentence(mark("home {home}, database {database}"), {"home": str(settings.home), "database": database})
    remedy, state = _unknown(environ), State.WARNING
    if settings.traces_url is not None and find_spec("opentelemetry") is None:
        state = State.TROUBLE
        remedy = Sentence(
            mark("REGULARS_TRACES_URL is set, but OpenTelemetry is not installed: pip install 'regulars[traces]'.")
        )
    elif settings.development and (settings.public_url or "").startswith("https://"):
        remedy = Sentence(
            mark("REGULARS_DEVELOPMENT is true at a public address: everybody can read sign-in codes. Set it to false.")
        )
    elif settings.worker_metrics_port is not None and settings.worker_metrics_host not in _THIS_MACHINE:
        remedy = Sentence(
            mark(
                "The worker tells its metrics at {host} to whoever asks: keep that address inside your network, "
                "or set REGULARS_WORKER_METRICS_HOST to 127.0.0.1."
            ),
            {"host": settings.worker_metrics_host},
        )
    return Looked(name="settings", state=State.WELL if remedy is None else state, said=said, remedy=remedy)


def _unknown(environ: Mapping[str, str]) -> Sentence | None:
    known = {setting.variable for setting in describe_settings()}
    strange = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if not strange:
        return None
    own = {name.removeprefix(PREFIX): name for name in known}
    meant = get_close_matches(strange[0].removeprefix(PREFIX), own, n=1)
    if meant:
        return Sentence(
            mark("{name} is no setting, and is not read. {meant} may be meant."),
            {"name": strange[0], "meant": own[meant[0]]},
        )
    return Sentence(mark("{name} is no setting, and is not read. See docs/settings.md."), {"name": strange[0]})


def look_at_home(home: Path) -> Looked:
    """May this account write into the home folder, and nobody else?"""
    if not home.exists():
        said = Sentence(mark("not made yet; it will be {folder}"), {"folder": str(home)})
        return Looked(name="home", state=State.WELL, said=said)
    if not _may(home, os.W_OK | os.X_OK):
        said = Sentence(mark("this account may not write into {folder}"), {"folder": str(home)})
        remedy = Sentence(
            mark("Run the program as the folder's owner, or give it to this account: chown -R {account} '{folder}'"),
            {"account": str(os.geteuid()), "folder": str(home)},
        )
        return Looked(name="home", state=State.TROUBLE, said=said, remedy=remedy)
    if stat.S_IMODE(home.stat().st_mode) & _OTHERS_WRITE:
        said = Sentence(mark("others may write into {folder}"), {"folder": str(home)})
        remedy = Sentence(mark("chmod go-w '{folder}'"), {"folder": str(home)})
        return Looked(name="home", state=State.TROUBLE, said=said, remedy=remedy)
    return Looked(
        name="home", state=State.WELL, said=Sentence(mark("{folder} is written by this account"), {"folder": str(home)})
    )


def _may(folder: Path, what: int) -> bool:
    """Whether the account as which we run may do something with a folder."""
    return os.access(folder, what, effective_ids=os.access in os.supports_effective_ids)


def look_at_keys(home: Path) -> Looked:
    """May anybody else read the vault, or another key in the home folder?"""
    folder = home / "vault"
    if home.exists() and not _may(home, os.X_OK):
        said = Sentence(mark("this account may not look into {folder}"), {"folder": str(home)})
        remedy = Sentence(mark("Give it the folder first, as is said of `home`, and ask again."))
        return Looked(name="vault", state=State.TROUBLE, said=said, remedy=remedy)
    files = [*_within(folder), *(home.glob(_KEYS) if home.exists() else ())]
    open_to_others = [path for path in files if stat.S_IMODE(path.stat().st_mode) & _OTHERS]
    if open_to_others:
        first = open_to_others[0]
        said = Sentence(
            mark("{count} files with keys may be read by others, {name} among them"),
            {"count": len(open_to_others), "name": first.name},
        )
        remedy = Sentence(
            mark("chmod -R go= '{folder}'"),
            {"folder": str(first if first.parent == home and first != folder else folder)},
        )
        return Looked(name="vault", state=State.TROUBLE, said=said, remedy=remedy)
    if not folder.exists():
        said = Sentence(mark("not made yet; it will be {folder}"), {"folder": str(folder)})
    else:
        said = Sentence(mark("{folder} is private"), {"folder": str(folder)})
    return Looked(name="vault", state=State.WELL, said=said)


def _within(folder: Path) -> Iterable[Path]:
    return (folder, *folder.rglob("*")) if folder.exists() else ()


def look_at_proxies(settings: Settings) -> Looked:
    """Is the proxy in front believed? Behind one that is not, everybody counts as one place."""
    believed = settings.trusted_proxies
    said = Sentence(mark("believed: {proxies}"), {"proxies": believed}) if believed else Sentence(mark("none believed"))
    remedy = None
    if peer := proxy_not_believed(believed, settings.home):
        remedy = Sentence(
            mark(
                "X-Forwarded-For came from {peer}, which is not believed. If that is your proxy, everybody behind it "
                "counts as one place: Set REGULARS_TRUSTED_PROXIES to {peer}. See docs/signin.md."
            ),
            {"peer": peer},
        )
    elif not believed and (settings.public_url or "").startswith("https://"):
        remedy = Sentence(
            mark(
                "REGULARS_PUBLIC_URL begins with https, so a proxy stands in front that is not believed, and "
                "everybody counts as one place. Set REGULARS_TRUSTED_PROXIES to its address. See docs/signin.md."
            )
        )
    return Looked(name="proxies", state=State.WELL if remedy is None else State.WARNING, said=said, remedy=remedy)
