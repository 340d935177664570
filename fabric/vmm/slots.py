"""A host takes so many heavy jobs at once; the others stand in line, every user role in its turn.

A heavy recipe says so: `heavy(Recipe(…))`. `busy_slots` of a host and `holds_slot` of a job change
in one statement, and every end of a job gives back what it holds, so they cannot disagree. Who
frees a slot wakes the first in line; who sits down in line looks once more whether one is free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial, wraps
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from fabric.durable import line
from fabric.durable.errors import Fault, LostClaim
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.vmm import queue
from fabric.vmm.errors import NoFreeSlot
from fabric.vmm.models import Host, Job

# Nobody is forgotten longer than this, even when the one who should wake it was killed.
LOOK_AGAIN_SECONDS = 15.0


def heavy(recipe: Recipe, *, placed_by: str = "") -> Recipe:
    """Return the recipe so that its steps are taken only while its job holds a slot.

    The slot is one of the job's host's. A recipe that chooses the host itself names the step that
    does, `placed_by`; that step calls `hold`, and those before it need no slot.
    """
    first = recipe.index(placed_by) + 1 if placed_by else 0
    held = tuple(replace(step, run=_holding(step)) for step in recipe.steps[first:])
    return replace(recipe, steps=recipe.steps[:first] + held)


def freeing(recipe: Recipe) -> Recipe:
    """Return the recipe so that a job gives back what it holds however it ends."""
    return replace(recipe, ended=give_back)


def hold(turn: Turn, choose: Callable[[], Host], *, only: UUID | None = None) -> Host | Again:
    """Return the host that `choose` picked and locked, a slot of it taken; else wait in line.

    Call it in a local step and return the Again. `choose` may raise NoFreeSlot; what it wrote
    is rolled back when it is not the job's turn. The job's `host` is written. `only` is the one
    host that it may pick: the slots of others are not waited for, nor kept from anybody.
    """
    return _hold(turn, choose, only)


def _hold(turn: Turn, choose: Callable[[], Host], host_id: UUID | None) -> Host | Again:
    job = turn.job
    if job.holds_slot:
        return _stay(turn, choose())
    if job.queued_at is not None or queue.exists(job.server_id):
        return _hold_in_turn(turn, choose, host_id)
    try:
        host = choose()
    except NoFreeSlot:
        return _wait_in_line(turn, host_id, None)
    try:
        take(host, turn)
    except NoFreeSlot as error:
        if host.rating is None:
            # It was chosen before, and stays: there is nothing to take back.
            return _wait_in_line(turn, host_id, None)
        # It was chosen unlocked, and somebody was faster; what was written goes with the fault.
        raise Fault(error.message, code=error.code, retry_after=0.5)
    return host


def _hold_in_turn(turn: Turn, choose: Callable[[], Host], host_id: UUID | None) -> Host | Again:
    view = queue.look(turn.job, host_id)
    if view.is_our_turn:
        try:
            with transaction.atomic():
                host = choose()
                if view.open_on(host.pk):
                    take(host, turn, number=view.number)
                    return host
                raise NoFreeSlot("The free slots of this host are for others in line.")
        except NoFreeSlot:
            pass
    return _wait_in_line(turn, host_id, view.free)


def take(host: Host, turn: Turn, *, number: int | None = None) -> None:
    """Take a slot of a host whose row is locked; NoFreeSlot when all of them are busy."""
    job = turn.job
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH taken AS (
                   UPDATE vmm_host SET busy_slots = busy_slots + 1
                   WHERE id = %s AND busy_slots < slots RETURNING id)
               UPDATE vmm_job SET holds_slot = true, queued_at = NULL, host_id = taken.id,
                   turn = COALESCE(%s, (SELECT max(turn) FROM vmm_job
                                        WHERE holds_slot AND server_id = %s), 0)
               FROM taken WHERE vmm_job.id = %s AND claim_token = %s AND NOT holds_slot
               RETURNING turn""",
            [host.pk, number, job.server_id, job.pk, job.claim_token],
        )
        row = cursor.fetchone()
    if row is None:
        if Host.objects.filter(pk=host.pk, busy_slots__lt=F("slots")).exists():
            raise LostClaim
        raise NoFreeSlot("This host is busy with other jobs.")
    host.busy_slots += 1
    job.holds_slot, job.queued_at, job.host_id, job.turn = True, None, host.pk, row[0]


def give_back(turn: Turn) -> None:
    """Give back the slot of a job that ends, or its place in line: once, whoever calls again."""
    job = turn.job
    if job.queued_at is not None:
        Job.objects.filter(pk=job.pk).update(queued_at=None)
        wake(job.server_id)
    if job.holds_slot:
        with connection.cursor() as cursor:
            cursor.execute(
                """WITH ours AS (
                       UPDATE vmm_job SET holds_slot = false
                       WHERE id = %s AND holds_slot RETURNING host_id)
                   UPDATE vmm_host SET busy_slots = busy_slots - 1
                   FROM ours WHERE vmm_host.id = ours.host_id""",
                [job.pk],
            )
        wake(job.server_id, job.host_id)


def _wait_in_line(turn: Turn, host_id: UUID | None, seen: Mapping[UUID, int] | None) -> Again:
    """Stand in line; `seen` are the slots that were free before none was found for this job."""
    job = turn.job
    if job.queued_at is None:
        queue.join(job, host_id)
    words = f"Waiting for a free host: {line.in_words(queue.place(job))}"
    if seen is None:
        # It was not in line when it looked: a slot freed meanwhile has woken nobody.
        return Again(0.0, message=words, in_line=True)
    look = partial(_look_again, job, host_id, seen)
    return Again(LOOK_AGAIN_SECONDS, message=words, nudged=True, in_line=True, recorded=look)


def place_in_line(job: Job) -> int | None:
    """Return the place of a job that waits for a slot, 1 for the first; None when it does not."""
    return queue.place(job) if job.queued_at is not None else None


def wake(server_id: UUID, host_id: UUID | None = None) -> None:
    """After commit, wake those first in line for the free slots of a host, or of any host."""
    transaction.on_commit(lambda: queue.wake_first(server_id, host_id), robust=True)


def _holding(step: Step) -> Callable[[Turn], Again | None]:
    @wraps(step.run)
    def run(turn: Turn) -> Again | None:
        job = turn.job
        if not job.holds_slot and job.host_id is not None:
            with transaction.atomic():
                held = _hold(turn, partial(_lock, job.host_id), job.host_id)
            if isinstance(held, Again):
                return held
        return step.run(turn)

    return run


def _lock(host_id: UUID) -> Host:
    host = Host.objects.select_for_update(no_key=True).get(pk=host_id)
    if host.busy_slots >= host.slots:
        raise NoFreeSlot("This host is busy with other jobs.")
    return host


def _stay(turn: Turn, host: Host) -> Host:
    if host.pk != turn.job.host_id:
        give_back(turn)
        take(host, turn)
    return host


def _look_again(job: Job, host_id: UUID | None, seen: Mapping[UUID, int]) -> None:
    """Wake a job that has just sat down in line if a slot was freed since it looked."""
    now = queue.free_slots(queue.hosts_for(job, host_id))
    if any(free > seen.get(host, 0) for host, free in now.items()):
        queue.wake([job.pk])
