"""Every test of the suite runs once per bench."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.provider.benches import BENCHES, Bench

# Said here as well, because databases are made ready by what tests ask for before they run.


def params(*names: str) -> list[Any]:
    """These benches, as what a test or fixture is parametrized with."""
    return [
        pytest.param(name, marks=[pytest.mark.django_db] if name.startswith("spf") else [])
        for name in names
    ]


PARAMS = params(*BENCHES)


@pytest.fixture(params=PARAMS)
def bench(request: pytest.FixtureRequest) -> Bench:
    return BENCHES[request.param](request)
