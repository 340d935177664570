"""What the workers of these tests call at every step boundary: it strikes where a plan says so.

A plan is an empty file named machine, recipe, step, where and act. Renaming it away decides which
process it strikes, once. The tests write plans and see by the new name that they were met.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from fabric.hypervisors.simulated import plan_fault

FOLDER = "KATAL_FAULT_PLANS"
DIE, DIE_ALL, HOLD = "die", "die-all", "hold"
# What hosts do to the next verb they are asked, by the name of the act.
HOST_ACTS = {
    f"host-{kind}": kind for kind in ("fail", "unreachable", "lose_reply", "hang", "lie", "vanish")
}
LONGEST_HOLD = 600.0


@dataclass(frozen=True)
class Plan:
    """One fault: which machine's job, before which boundary, and what happens there.

    `hosts` are those that are to misbehave; they are the file's content.
    """

    folder: Path
    machine: str
    recipe: str
    step: str
    where: str
    act: str
    hosts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.recipe}.{self.step}, {self.where}: {self.act}"

    def _file(self, suffix: str) -> Path:
        words = (self.machine, self.recipe, self.step, self.where, self.act)
        return self.folder / f"{','.join(words)}.{suffix}"

    def make(self) -> Plan:
        self._file("planned").write_text("\n".join(self.hosts))
        return self

    def take(self) -> bool:
        """Tell whether it is this process's to carry out; true for one caller only."""
        try:
            os.rename(self._file("planned"), self._file("struck"))
        except FileNotFoundError:
            return False
        return True

    @property
    def struck(self) -> bool:
        return self._file("struck").exists()

    def release(self) -> None:
        """Let a held worker go on."""
        self._file("released").touch()

    def carry_out(self) -> None:
        if self.act == HOLD:
            latest = time.monotonic() + LONGEST_HOLD
            while not self._file("released").exists() and time.monotonic() < latest:
                time.sleep(0.01)
            return
        if self.act in HOST_ACTS:
            for host in self._file("struck").read_text().split():
                plan_fault(settings.SIMULATED_RACK, host, "*", HOST_ACTS[self.act])
            return
        if self.act == DIE_ALL:
            # The parent first, or it would put another child in this one's place.
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def strike(job: Any, step: str, where: str) -> None:
    """Carry out the plan for this boundary, if there is one and it was not met before."""
    folder = Path(os.environ[FOLDER])
    if not any(name.endswith(".planned") for name in os.listdir(folder)):
        return
    machine = getattr(job, "target_name", None) or (job.machine.name if job.machine_id else "")
    for act in (DIE, DIE_ALL, HOLD, *HOST_ACTS):
        plan = Plan(folder, machine, job.recipe, step, where, act)
        if plan.take():
            plan.carry_out()
