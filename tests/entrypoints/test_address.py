"""Where letters lead while developing: to where it answers on this machine, and nowhere else."""

from pathlib import Path

import pytest

from regulars.entrypoints.address import known_address, linked, note_address
from regulars.platform.settings import Settings

HERE = "http://127.0.0.1:8791"


@pytest.mark.parametrize("address", [HERE, "http://[::1]:8791", "http://localhost:8791"])
def test_letters_lead_to_this_machine_while_developing(address: str) -> None:
    assert linked(Settings(development=True), address).public_url == address


@pytest.mark.parametrize(
    ("settings", "address", "leads"),
    [
        (Settings(), HERE, None),  # behind a proxy this address would lead members nowhere
        (Settings(development=True), "http://0.0.0.0:8791", None),
        (Settings(development=True), "http://shop.local:8791", None),
        (Settings(development=True, public_url="https://club.example"), HERE, "https://club.example"),
    ],
)
def test_elsewhere_only_the_operator_knows(settings: Settings, address: str, leads: str | None) -> None:
    assert linked(settings, address).public_url == leads


def test_a_worker_of_its_own_leads_to_where_it_answered_last(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, development=True)
    before = linked(settings, known_address(settings)).public_url
    note_address(tmp_path, HERE)

    assert (before, linked(settings, known_address(settings)).public_url) == ("http://127.0.0.1:8790", HERE)
