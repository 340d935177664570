"""One cloud for all journeys of this folder, and the people who live in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.tenant import town
from tests.e2e.visitor import PATIENCE, Visitor
from tests.stack import ALL, Stack, stack


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield a running cloud, filled, with hosts that take no time."""
    with stack(tmp_path_factory.mktemp("town")) as it:
        it.start(*ALL)
        it.run("-m", "tests.e2e.tenant.town", it.url("spf"), str(it.authority))
        yield it


@pytest.fixture(scope="package")
def alice(browser: Browser, cloud: Stack) -> Iterator[Visitor]:
    """Yield the browser of who owns the machines; signed in once for all journeys."""
    expect.set_options(timeout=PATIENCE)
    visitor = Visitor(browser, cloud, "alice")
    visitor.sign_in("tenant", town.ALICE, town.PASSWORD)
    yield visitor
    visitor.leave()


@pytest.fixture(autouse=True)
def _nothing_wrong_on_the_way(alice: Visitor) -> Iterator[None]:
    """Hold every step to pages without a fault, a console's complaint or an offence against axe."""
    yield
    found, alice.troubles = alice.troubles, []
    assert found == []
