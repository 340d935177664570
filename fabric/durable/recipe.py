"""A recipe is a tuple of steps; a step is done, or asks to be called again.

Steps are named `ensure_…` (safe to repeat) or `wait_…` (asks the far side). One turn makes at
most one remote call. A `local` step touches only the database and commits with its own record.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from fabric.durable.errors import Fault
from fabric.vault import store


@dataclass(frozen=True)
class Again:
    """Call this step again after so many seconds; `nudged`: somebody else will wake it.

    `in_line`: it has not begun, others are before it; that time does not count for its limit.
    `recorded` is called once the waiting is written and committed.
    """

    after: float
    percent: int | None = None
    message: str | None = None
    nudged: bool = False
    in_line: bool = False
    recorded: Callable[[], None] | None = None


@dataclass
class Turn:
    """What a step sees: its job row, the notes of earlier steps, and the secrets still needed."""

    job: Any
    memo: dict[str, Any]
    host: str = ""
    message: str = ""
    forget: bool = False
    _opened: dict[str, str] | None = field(default=None, repr=False)

    @property
    def first_try(self) -> bool:
        """Tell whether no earlier try of this step may have reached the far side."""
        return self.job.attempt <= 1 and not self.memo.get("resumed")

    def renew(self) -> None:
        """Keep the job while a step goes on: call it between the calls of one that makes many.

        Costs nothing before a quarter of the lease is gone; raises LostClaim when it is lost.
        """
        if self.job.held_until - time.monotonic() < settings.JOB_LEASE_SECONDS * 0.75:
            self.job.renew()

    def secret(self, name: str) -> str:
        """Return a secret the job was given, "" when it was given none or it is erased."""
        if self._opened is None:
            self._opened = store.unseal_json(self.job.sealed, f"job:{self.job.pk}")
        return self._opened.get(name, "")

    def forget_secrets(self) -> None:
        """Erase the job's secrets when this step is recorded."""
        self.forget = True


@dataclass(frozen=True)
class Step:
    """One step. `share` is its part of the whole's percent; `limit` seconds it may take in all."""

    name: str
    title: str
    run: Callable[[Turn], Again | None]
    local: bool = False
    share: int = 10
    attempts: int = 6
    limit: float = 900


def _nothing(turn: Turn) -> None:
    return None


def _no_outcome(turn: Turn, fault: Fault) -> None:
    return None


@dataclass(frozen=True)
class Recipe:
    """A named tuple of steps with what to write when it ends.

    The endings run in the transaction that writes the final state, `ended` last, whichever it was;
    `broken` takes the place of `failed` when that breaks.
    `cancel_before` names the first step that can no longer be undone by simply stopping; None means
    a job of this recipe is never cancelled.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    succeeded: Callable[[Turn], None] = _nothing
    failed: Callable[[Turn, Fault], None] = _no_outcome
    broken: Callable[[Turn, Fault], None] = _no_outcome
    cancelled: Callable[[Turn], None] = _nothing
    ended: Callable[[Turn], None] = _nothing
    cancel_before: str | None = None

    def index(self, name: str) -> int:
        """Return the position of a step."""
        return next(i for i, step in enumerate(self.steps) if step.name == name)

    def cancellable_at(self, name: str) -> bool:
        """Tell whether a job standing before this step may simply stop."""
        return self.cancel_before is not None and self.index(name) <= self.index(self.cancel_before)

    def percent(self, index: int, within: int) -> int:
        """Return the percent of the whole when step `index` is `within` percent done."""
        whole = sum(step.share for step in self.steps)
        before = sum(step.share for step in self.steps[:index])
        return int((before * 100 + self.steps[index].share * within) / whole)
