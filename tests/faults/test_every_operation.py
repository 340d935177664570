"""Every step of every operation of VMM: its worker is killed, its host hangs, lies, vanishes.

Here each step is killed once, in turns before, in and after it, and each operation meets one
trouble of hosts. `python -m tests.faults` runs the whole matrix.
"""

from __future__ import annotations

import os

import pytest

from fabric.vmm.jobs import WORKS
from tests.faults import cells, table, truths
from tests.faults.cells import Cell
from tests.faults.floor import floor as floors
from tests.faults.operations import SCENARIOS

pytestmark = pytest.mark.faults

# Only who is stuck takes so long, or a machine with much else to do.
PATIENCE = 600
IS_WHOLE = bool(os.environ.get(table.WRITE_TO))
WAVES = cells.TROUBLES if IS_WHOLE else ("choice",)


@pytest.fixture(scope="module")
def floor(tmp_path_factory, django_db_blocker):
    with django_db_blocker.unblock(), floors(tmp_path_factory.mktemp("floor")) as it:
        yield it


@pytest.mark.parametrize("recipe", sorted({*WORKS, *SCENARIOS}))
def test_every_recipe_has_a_scenario(recipe):
    assert recipe in WORKS
    assert recipe in SCENARIOS, f"say in operations.py how {recipe} comes about"


@pytest.mark.parametrize("wave", WAVES)
def test_books_are_true_whatever_befalls_an_operation(floor, record_property, wave):
    suffering: list[Cell] = cells.choice() if wave == "choice" else cells.whole(wave)
    cells.run(floor, suffering, str(WAVES.index(wave)), within=PATIENCE)
    flaws = truths.flaws(suffering)
    assert not flaws, "\n".join(flaws)
    for cell in suffering:
        record_property(*table.of_operation(*cell.row))
