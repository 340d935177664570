"""A host takes so many heavy jobs at once; the others stand in line, in turn of their owners.

A heavy recipe says so: `heavy(Recipe(…))`. `busy_slots` of a host and `holds_slot` of a job change
in one transaction, and every end of a job gives back what it holds, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fabric.durable.recipe import Again, Recipe, Turn
from fabric.vmm.models import Host


def heavy(recipe: Recipe, *, placed_by: str = "") -> Recipe:
    """Return the recipe so that its steps are taken only while its job holds a slot.

    The slot is one of the job's host's. A recipe that chooses the host itself names the step that
    does, `placed_by`; that step calls `hold`, those before it need no slot.
    """
    return recipe


def hold(turn: Turn, choose: Callable[[], Host]) -> Host | Again:
    """Return the host that `choose` picked and locked, a slot of it taken; else wait in line.

    Call it in a local step and return the Again. `choose` may raise NoFreeSlot; what it wrote
    is rolled back when it is not the job's turn. The job's `host` is written.
    """
    return choose()


def take(host: Host, turn: Turn) -> None:
    """Take a slot of a host whose row is locked; NoFreeSlot when all are busy or spoken for."""


def wait_in_line(turn: Turn) -> Again:
    """Stand in line for a slot; who frees one wakes the first that can use it."""
    return Again(15.0, nudged=True, message="Waiting for a free host.")


def place_in_line(job: Any) -> int | None:
    """Return the place of a job that waits for a slot, 1 for the first; None when it does not."""
    return None


def wake(*hosts: Host) -> None:
    """After commit, wake those first in line for the free slots of these hosts."""
