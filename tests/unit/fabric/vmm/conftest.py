"""Every test here has an open vault and a rack of its own."""

from __future__ import annotations

import pytest

from tests.factories.vmm import Fabric, acting_for, make_fabric, make_role


@pytest.fixture(autouse=True)
def _rack(tmp_path, settings):
    settings.SIMULATED_RACK = tmp_path / "rack.sqlite3"
    settings.SIMULATED_SCALE = 0


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    """Messages are only nudges: tests advance jobs themselves."""
    monkeypatch.setattr("fabric.durable.nudge.nudge", lambda *args, **kwargs: None)


@pytest.fixture
def fabric(db, vault) -> Fabric:
    return make_fabric(hosts=2)


@pytest.fixture
def alice(fabric):
    """Return alice acting for her tenant's role."""
    return acting_for(make_role(fabric), "alice@example.net")


@pytest.fixture
def charlie(fabric):
    """Return charlie, who acts for a role of his own and shares nothing with alice."""
    return acting_for(make_role(fabric, "charlie@example.net"), "charlie@example.net")
