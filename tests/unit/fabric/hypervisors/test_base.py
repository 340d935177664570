"""Outcomes keep their promises whatever they are given."""

from __future__ import annotations

import pytest

from fabric.hypervisors.base import Done, Outcome, pending


@pytest.mark.parametrize(
    ("percent", "retry_in", "outcome"),
    [
        (-3, 0, Outcome(False, 0, 0.05)),
        (41.9, 1.2, Outcome(False, 41, 1.2)),
        (100, 3, Outcome(False, 99, 3)),
    ],
)
def test_pending_is_never_complete_nor_hasty(
    percent: float, retry_in: float, outcome: Outcome
) -> None:
    assert pending(percent, retry_in) == outcome


def test_done_is_done() -> None:
    assert Done == Outcome(True, 100, None)
