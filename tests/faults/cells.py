"""The cells of the matrix: one operation, one of its steps, one trouble, a machine of its own.

All cells of a wave are made ready together and suffer together, so that workers die and hosts
misbehave beside each other's jobs. What failed for good is then repaired as a person would.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from fabric.durable.states import JobState
from fabric.vmm import actions, drift
from fabric.vmm.errors import VMMError
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import Job
from tests.factories.vmm import ADMINISTRATOR
from tests.faults import probe
from tests.faults.floor import Floor
from tests.faults.operations import SCENARIOS
from tests.faults.probe import Plan
from tests.faults.scenario import Case, Scenario

KILLS = ("before", "between", "after")
HOSTS = ("hang", "lose_reply", "lie", "fail", "vanish")
TROUBLES = (*KILLS, *HOSTS)
AWAY_SECONDS = 0.7
MOST_REPAIRS = 3


@dataclass
class Cell:
    """One trouble at one step of an operation, and what came of it."""

    recipe: str
    step: str
    trouble: str
    case: Case | None = None
    job: Job | None = None
    plan: Plan | None = None
    struck_at: float | None = None
    is_asked: bool = True
    repairs: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.recipe}.{self.step}, {self.trouble}"

    @property
    def scenario(self) -> Scenario:
        return SCENARIOS[self.recipe]

    @property
    def is_alone(self) -> bool:
        return self.scenario.alone or self.trouble in HOSTS

    @property
    def outcome(self) -> str:
        """Say what it took."""
        if not self.is_asked:
            return "asks nothing"
        return ", ".join(self.repairs) or "well"

    @property
    def seconds(self) -> float:
        """Return the seconds the job took from being asked for to its end."""
        assert self.job is not None
        return float((self.job.ended_at - self.job.created_at).total_seconds())

    @property
    def row(self) -> tuple[str, str, str, float]:
        """Return what the table says of it."""
        return self.recipe, self.trouble, self.outcome, self.seconds

    def go_to(self, floor: Floor, bay: object, wave: str) -> None:
        """Give the cell its place, and its machine a name."""
        words = f"{self.recipe}-{self.step.removeprefix('ensure_')}-{self.trouble}-{wave}"
        self.case = Case(floor, bay, words.replace("_", "-"))

    def strike(self) -> None:
        """Plan the trouble."""
        case = self.case
        assert case is not None
        is_kill = self.trouble in KILLS
        self.plan = Plan(
            case.floor.plans,
            self.scenario.target(case),
            self.recipe,
            self.step,
            self.trouble if is_kill else "before",
            probe.DIE if is_kill else f"host-{self.trouble}",
            () if is_kill else tuple(host.name for host in case.bay.hosts),
        ).make()

    def ask(self) -> None:
        assert self.case is not None
        self.job = self.scenario.ask(self.case)
        found = f"{self}: asked for {self.job.recipe}"
        assert self.job.recipe == self.recipe, found

    def relent(self) -> None:
        """Have hosts that hang or are away come back a moment after they were missed."""
        assert self.plan is not None
        if self.trouble not in ("hang", "vanish") or self.struck_at == -1:
            return
        if self.struck_at is None:
            self.struck_at = time.monotonic() if self.plan.struck else None
        elif time.monotonic() - self.struck_at > AWAY_SECONDS:
            self.behave()
            self.struck_at = -1

    def behave(self) -> None:
        """End the trouble of hosts; note when it met nothing."""
        assert self.case is not None
        assert self.job is not None
        if self.trouble not in HOSTS:
            return
        hosts = self.case.bay.hosts
        if self.trouble != "vanish" and self.case.floor.planned(*hosts) == len(hosts):
            self.is_asked = False
        self.case.floor.clear(*hosts)

    def repair(self) -> bool:
        """Resume what failed, or ask for it again; return whether there was need."""
        assert self.job is not None
        assert self.case is not None
        self.job.refresh_from_db()
        if self.job.state == JobState.SUCCEEDED:
            return False
        try:
            self.job = actions.jobs.restart(ADMINISTRATOR, self.job)
            self.repairs.append("resumed")
        except VMMError:
            self.job = (self.scenario.again or self.scenario.ask)(self.case)
            self.repairs.append("asked again")
        return True


def steps_of(recipe: str, trouble: str) -> list[str]:
    """Return the steps a trouble is for: hosts are asked by those alone that are not local."""
    steps = RECIPES[recipe].steps
    return [step.name for step in steps if trouble in KILLS or not step.local]


def whole(trouble: str) -> list[Cell]:
    """Return one trouble at every step of every operation."""
    return [Cell(name, step, trouble) for name in RECIPES for step in steps_of(name, trouble)]


def choice() -> list[Cell]:
    """Return every step of every operation once, and one trouble of hosts for each operation."""
    chosen = []
    every = ((name, step.name) for name, recipe in RECIPES.items() for step in recipe.steps)
    for n, (name, step) in enumerate(every):
        chosen.append(Cell(name, step, KILLS[n % len(KILLS)]))
    for n, name in enumerate(RECIPES):
        trouble = HOSTS[n % len(HOSTS)]
        remote = steps_of(name, trouble)
        if remote:
            chosen.append(Cell(name, remote[n // len(HOSTS) % len(remote)], trouble))
    return chosen


def run(floor: Floor, cells: Sequence[Cell], wave: str, *, within: float) -> None:
    """Make all cells ready, let them suffer, and repair what did not get over it by itself."""
    alone = [cell for cell in cells if cell.is_alone]
    bays = dict(zip(map(id, alone), floor.add_bays(len(alone)), strict=True))
    for cell in cells:
        cell.go_to(floor, bays.get(id(cell), floor.common), wave)
    _make_ready(floor, cells, within)
    for cell in cells:
        cell.strike()
        cell.ask()
    floor.wait_until_quiet(within, lambda: _relent(cells))
    for cell in cells:
        cell.behave()
    for _ in range(MOST_REPAIRS):
        repaired = [cell for cell in cells if cell.repair()]
        if not repaired:
            break
        floor.wait_until_quiet(within)
    for cell in cells:
        assert cell.job is not None
        cell.job.refresh_from_db()


def _relent(cells: Iterable[Cell]) -> None:
    for cell in cells:
        cell.relent()


def _make_ready(floor: Floor, cells: Sequence[Cell], within: float) -> None:
    most = max(len(cell.scenario.stages) for cell in cells)
    for n in range(most):
        concerned = [cell for cell in cells if len(cell.scenario.stages) > n]
        begun = [cell.scenario.stages[n](cell.case) for cell in concerned]
        floor.wait_until_quiet(within)
        jobs = [job.pk for job in begun if job is not None]
        bad = Job.objects.filter(pk__in=jobs).exclude(state=JobState.SUCCEEDED)
        assert not bad, [f"{job.target_name}, {job.recipe}: {job.message}" for job in bad]
    # What was done behind our back is noticed; nothing ended just now as far as the sweep knows.
    drift.sweep(timezone.now() + timedelta(minutes=1))
