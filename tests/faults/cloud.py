"""A cloud to break: real processes with short leases, a door before SPF, one person's session.

This process looks at the cloud's rows through Django, and acts through the tenant site only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from fabric.durable.states import LIVE
from fabric.hypervisors.simulated import clear_faults
from fabric.hypervisors.simulated.rack import Rack
from fabric.models import Job, Machine
from fabric.vmm.models import Host, VirtualMachine
from fabric.vmm.models import Job as VMMJob
from portal.settings import environment
from tests.bench.browserless import Person
from tests.cloudmaker import order
from tests.faults import probe
from tests.faults.build import OWNER, PASSWORD
from tests.faults.door import Door
from tests.faults.probe import Plan
from tests.stack import Stack, free_port, stack

LEASE_SECONDS = 2
PROCESSES = ("spf", "tenant", "worker", "vmm", "beat")
# Only who is stuck takes so long, or a machine with much else to do.
PATIENCE = 240.0


class Cloud:
    """Order machines, plan faults, wait; whatever a fault took away is brought back by `mend`."""

    def __init__(self, stack: Stack, door: Door) -> None:
        self.stack = stack
        self.door = door
        self.plans = Path(stack.env[probe.FOLDER])
        self.rack = stack.folder / "rack.sqlite3"
        self._planned: list[Plan] = []
        self._person: Person | None = None
        self._form: dict[str, str] = {}

    @property
    def person(self) -> Person:
        """Return the session of the owner of everything."""
        if self._person is None:
            self._person = Person(self.stack.url("tenant"), OWNER, PASSWORD)
        return self._person

    def sign_out(self) -> None:
        """Drop the session, with its connections."""
        if self._person is not None:
            self._person.http.close()
        self._person = None

    def order(self, *names: str) -> list[Machine]:
        """Order machines at the tenant site, one after the other; each must be accepted."""
        self._form = self._form or order(self.person, "")
        for name in names:
            form = {**self._form, "name": name, "request_key": str(uuid4())}
            self._send("/machines/new/quick/", form)
        return [Machine.objects.get(name=name) for name in names]

    def place(self, name: str) -> Machine:
        """Order a machine and wait until it has its host."""
        (machine,) = self.order(name)
        placed = VirtualMachine.objects.filter(tag=str(machine.pk), host__isnull=False)
        until(placed.exists, lambda: f"{name} to be placed")
        return machine

    def delete(self, machines: Iterable[Machine]) -> None:
        """Ask for the removal of machines at the tenant site."""
        for machine in machines:
            path = f"/machines/{machine.pk}/delete/"
            self._send(path, {**self.person.hidden(path), "confirm": machine.name})

    def resume(self, machine: Machine) -> None:
        """Press the button that goes on with failed work."""
        hidden = self.person.hidden(f"/machines/{machine.pk}/")
        self._send(f"/machines/{machine.pk}/resume/", hidden)

    def _send(self, path: str, values: dict[str, str]) -> None:
        site = str(self.person.http.base_url)
        answer = self.person.http.post(path, data=values, headers={"Referer": site})
        assert answer.status_code == 302, f"{path} answered {answer.status_code}"

    def plan(self, machine: str, recipe: str, step: str, where: str, act: str) -> Plan:
        """Plan what happens when a machine's job comes to a boundary."""
        self._planned.append(Plan(self.plans, machine, recipe, step, where, act).make())
        return self._planned[-1]

    def hosts(self) -> list[str]:
        """Return the names of the hosts."""
        return list(Host.objects.order_by("name").values_list("name", flat=True))

    def planned_on_hosts(self) -> int:
        """Return how many faults of hosts have not struck yet."""
        with Rack(self.rack).reading() as rack:
            return int(rack.execute("SELECT count(*) FROM faults").fetchone()[0])

    def wait_until_over(self, machines: Collection[Machine]) -> None:
        """Return once no job of these machines is live in either plane."""
        ids = [machine.pk for machine in machines]
        names = [machine.name for machine in machines]

        def over() -> bool:
            ours = Job.objects.filter(machine__in=ids, state__in=LIVE)
            theirs = VMMJob.objects.filter(target_name__in=names, state__in=LIVE)
            return not ours.exists() and not theirs.exists()

        until(over, lambda: f"jobs to end:\n{standing()}")

    def keep_up(self, *names: str) -> None:
        """Start again what dies, as whoever runs the processes would, until all of these have."""
        alive = set(names)

        def all_have_died() -> bool:
            for name in list(alive):
                if self.stack.running[name].poll() is not None:
                    self.stack.kill(name)
                    self.stack.start(name)
                    alive.discard(name)
            return not alive

        until(all_have_died, lambda: f"{alive} to die")

    def forget_connection(self) -> None:
        """Look at the rows through a new connection: the old one's server is gone."""
        connection.close()

    def mend(self) -> None:
        """Undo every fault, so that the next test finds a cloud at work."""
        for plan in self._planned:
            plan.take()
            plan.release()
        self._planned.clear()
        self.door.clear()
        if not self.stack.postgres.alive():
            self.stack.start_postgres()
        if self.stack.valkey is None:
            self.stack.start_valkey()
        clear_faults(self.rack)
        for name in PROCESSES:
            process = self.stack.running.get(name)
            if process is None or process.poll() is not None:
                self.stack.kill(name)
                self.stack.start(name)


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """Yield a filled cloud whose owner may order at once."""
    plans, inner = folder / "plans", free_port()
    plans.mkdir(parents=True)
    env = {
        "KATAL_SPF_PORT": str(inner),
        "KATAL_JOB_LEASE": str(LEASE_SECONDS),
        "KATAL_SPF_TIMEOUT": "1.5",
        "KATAL_JOB_NUDGE_GRACE": "1",
        probe.FOLDER: str(plans),
    }
    probed = dict.fromkeys(("worker", "vmm", "beat"), "tests.faults.settings")
    with stack(folder, env, probed) as running:
        door = Door(running.ports["spf"], inner, folder / "tls")
        it = Cloud(running, door)
        try:
            running.start(*PROCESSES)
            build = ("-m", "tests.faults.build", running.url("spf"), str(running.authority))
            # Nobody asks again for who builds, as workers do; and a new SPF is slow at first.
            running.run(*build, env={"KATAL_SPF_TIMEOUT": "60"})
            with looking_at(running):
                yield it
        finally:
            it.sign_out()
            door.close()


@contextmanager
def looking_at(stack: Stack) -> Iterator[None]:
    """Point this process's Django at the cloud's database."""
    before = connection.settings_dict
    connection.close()
    connection.settings_dict = before | environment.database(stack.postgres.url)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = before


def until(done: Callable[[], bool], what: Callable[[], str], within: float = PATIENCE) -> float:
    """Poll until it is so; return the seconds it took."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > within:
            raise AssertionError(f"waited {within:.0f} s for {what()}")
        time.sleep(0.03)
    return time.monotonic() - began


def standing() -> str:
    """Say where the live jobs stand, for whoever reads why a test gave up."""
    now = timezone.now()
    lines = []
    for model in (Job, VMMJob):
        for job in model.objects.filter(state__in=LIVE):
            lines.append(
                f"{job.title}: {job.step} {job.state} attempt {job.attempt}, due in "
                f"{(job.due_at - now).total_seconds():.1f} s, held until "
                f"{job.claimed_until and round((job.claimed_until - now).total_seconds(), 1)}, "
                f"“{job.message}”"
            )
    return "\n".join(lines) or "(none)"
