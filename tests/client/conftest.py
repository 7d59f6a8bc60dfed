"""The API's description, read before an event loop runs; one product for a module."""

from collections.abc import Iterator

import pytest

from tests.client.driving import operations
from tests.client.serving import Product, product_served
from tests.conftest import fresh_database


@pytest.fixture(scope="session", autouse=True)
def _described() -> None:
    operations()


@pytest.fixture(scope="module")
def product(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with (
        fresh_database(server_url, template) as url,
        product_served(url, tmp_path_factory.mktemp("product")) as served,
    ):
        yield served
