"""Restart a machine as its guest would: shut it down, wait, start it again."""

from __future__ import annotations

from fabric.durable.recipe import Recipe, Step, Turn
from fabric.jobs import far_side
from fabric.jobs.operate import OPERATIONS, ask, ensure_read_back, failed, succeeded
from fabric.states import Verb

# A guest that installs updates takes its time; the far side gives up earlier than this.
SHUTDOWN_LIMIT = 900


def ensure_shutdown_asked(turn: Turn) -> None:
    """Ask the guest to shut down."""
    ask(turn, *OPERATIONS[Verb.SHUTDOWN])


def ensure_start_asked(turn: Turn) -> None:
    """Start it again."""
    ask(turn, *OPERATIONS[Verb.START])


RESTART = Recipe(
    name="machine.restart",
    title="Restart a virtual machine",
    steps=(
        Step("ensure_shutdown_asked", "Ask the guest to shut down", ensure_shutdown_asked, share=5),
        far_side.wait(
            "wait_until_off", "Wait until it is shut down", share=40, limit=SHUTDOWN_LIMIT
        ),
        Step("ensure_start_asked", "Start it again", ensure_start_asked, share=5),
        far_side.wait("wait_until_on", "Wait until it runs", share=40),
        Step("ensure_read_back", "Read back its state", ensure_read_back, share=10),
    ),
    succeeded=succeeded,
    failed=failed,
)
