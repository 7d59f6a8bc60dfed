"""Two programs on one home: the embedded server dies with neither, and outlives not both."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.platform.embedded import EmbeddedServer
from regulars.platform.embedded.cluster import open_place
from tests.faults import victims
from tests.faults.books import is_worked
from tests.faults.product import Product, answers, product_at, until
from tests.faults.victims import WEB, WORKER


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """Return a product without programs; at the end nothing of it is left."""
    with product_at(tmp_path) as made:
        yield made


def is_ready(product: Product) -> bool:
    """Say whether the web process says that it may be used."""
    return answers(f"{product.address}/ready", within=60)


def works(product: Product) -> bool:
    """Say whether the worker is at work: it listens for jobs in the database."""
    worker = product.programs[WORKER].process
    assert worker is not None
    return worker.poll() is None and is_worked(url_of(product))


def url_of(product: Product) -> str:
    """Return where the product's database is, without becoming one of its users."""
    return EmbeddedServer(open_place(product.home), None).url


def start_both(product: Product) -> int:
    """Start the web process and the worker; return the postmaster's number."""
    product.add(WEB, "serve", "--no-work")
    until(lambda: is_ready(product))
    product.add(WORKER, "work")
    until(lambda: works(product))
    (postmaster,) = victims.postmasters(product.home)
    return postmaster


def kill(product: Product, name: str) -> None:
    """Kill a program by SIGKILL and wait for its end."""
    product.programs[name].kill()
    assert product.programs[name].wait() == -signal.SIGKILL


def test_the_worker_goes_on_when_the_web_process_is_killed_and_the_other_way_round(product: Product) -> None:
    postmaster = start_both(product)
    kill(product, WEB)
    until(lambda: works(product))
    product.add(WEB, "serve", "--no-work")
    until(lambda: is_ready(product))
    kill(product, WORKER)
    assert is_ready(product)
    assert victims.postmasters(product.home) == [postmaster], "the server is the same all along"


@pytest.mark.parametrize("first", [WEB, WORKER])
def test_nothing_is_left_when_both_are_killed(product: Product, first: str) -> None:
    start_both(product)
    kill(product, first)
    kill(product, WORKER if first == WEB else WEB)
    until(lambda: victims.nothing_runs(product.home))


def test_nothing_is_left_when_a_command_is_killed_while_the_server_starts(product: Product) -> None:
    program = product.add(WEB, "serve")
    until(lambda: victims.supervisors(product.home))
    kill(product, program.name)
    until(lambda: victims.nothing_runs(product.home))
    product.add(WEB, "serve")
    until(lambda: is_ready(product))


def test_a_start_survives_the_death_of_the_supervisor(product: Product) -> None:
    web = product.add(WEB, "serve")
    # It forks as it starts: between two looks the one that was seen may have ended, and the other not be listed yet.
    until(lambda: victims.kill_all(victims.supervisors(product.home)) == 1)
    until(lambda: is_ready(product))
    assert web.process is not None
    assert web.process.poll() is None


@pytest.mark.parametrize("command", [("serve",), ("serve", "--no-work")])
@pytest.mark.parametrize("victim", [victims.POSTMASTER, victims.SUPERVISOR])
def test_a_lone_web_process_brings_the_server_back(product: Product, command: tuple[str, ...], victim: str) -> None:
    web = product.add(WEB, *command)
    until(lambda: is_ready(product))
    (postmaster,) = victims.postmasters(product.home)
    killed = [postmaster] if victim == victims.POSTMASTER else victims.supervisors(product.home)
    assert victims.kill_all(killed) == 1
    until(lambda: victims.postmasters(product.home) not in ([], [postmaster]))
    until(lambda: is_ready(product))
    assert web.process is not None
    assert web.process.poll() is None


@pytest.mark.parametrize("victim", [victims.POSTMASTER, victims.SUPERVISOR])
def test_a_lone_worker_brings_the_server_back(product: Product, victim: str) -> None:
    product.add(WORKER, "work")
    until(lambda: works(product))
    (postmaster,) = victims.postmasters(product.home)
    killed = [postmaster] if victim == victims.POSTMASTER else victims.supervisors(product.home)
    assert victims.kill_all(killed) == 1
    until(lambda: victims.postmasters(product.home) not in ([], [postmaster]))
    until(lambda: works(product))


def test_a_signal_ends_everything_in_good_order(product: Product) -> None:
    start_both(product)
    assert product.programs[WEB].stop() == 0
    assert product.programs[WORKER].stop() == 0
    until(lambda: victims.nothing_runs(product.home))
