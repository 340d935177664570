"""Take the steps of a claimed job one after the other, record each before the next.

A killed worker's lease runs out and the next one repeats the step it was in. Faults count as
attempts of the step; waiting does not. See docs/architecture.md, "Jobs".
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils.module_loading import import_string

from fabric.durable import line
from fabric.durable.claims import In, Row, claim, claim_next, write
from fabric.durable.errors import Fault, LostClaim
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.durable.states import JobState, StepState
from fabric.vault import store

log = logging.getLogger(__name__)

TURN_BUDGET_SECONDS = 20.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0
ENDING_TRIES = 3


def start(
    model: type[Row],
    recipe: Recipe,
    *,
    subject: uuid.UUID,
    inputs: dict[str, Any],
    secrets: dict[str, str] | None = None,
    title: str = "",
    **fields: Any,
) -> Row:
    """Insert a job standing before its first step. Call it in the transaction of the action."""
    job = model(
        recipe=recipe.name,
        title=title or recipe.title,
        subject=subject,
        inputs=inputs,
        step=recipe.steps[0].name,
        steps=[
            {"name": step.name, "title": step.title, "state": StepState.PENDING}
            for step in recipe.steps
        ],
        **fields,
    )
    job.lane = job.own_lane()
    job.turn = line.next_turn(model, job.lane)
    if secrets:
        job.sealed = store.seal_json(secrets, f"job:{job.pk}")
    job.save(force_insert=True)
    return job


def begin(model: type[Row], recipes: dict[str, Recipe]) -> tuple[uuid.UUID | None, float | None]:
    """Begin the job whose turn it is, as far as it goes now.

    Returns its id, None when none was waiting, and what `advance` would have returned.
    """
    job = claim_next(model)
    return (job.pk, _go_on(job, recipes)) if job is not None else (None, None)


def advance(model: type[Row], recipes: dict[str, Recipe], job_id: uuid.UUID | str) -> float | None:
    """Take as many steps of a job as can be taken now.

    Returns the seconds after which the job wants to be called again, None when it does not (it
    ended, somebody else has it, or somebody else will wake it).
    """
    job = claim(model, job_id)
    return _go_on(job, recipes) if job is not None else None


def _go_on(job: Any, recipes: dict[str, Recipe]) -> float | None:
    recipe = recipes[job.recipe]
    began = time.monotonic()
    try:
        while True:
            if job.cancel_requested_at and recipe.cancellable_at(job.step):
                _mark_not_taken(job, recipe.index(job.step))
                _end(job, recipe, JobState.CANCELLED, Turn(job, job.memo))
                return None
            again = _take_step(job, recipe)
            if again is not None:
                return None if again.nudged else again.after
            if job.is_final:
                return None
            if time.monotonic() - began > TURN_BUDGET_SECONDS:
                write(job, claimed_until=None, attempt=0)
                return 0.0
    except LostClaim:
        # Its lease ended while it worked: leases are too short, or this machine too busy.
        log.warning("job %s: overslept, another worker may have it", job.pk)
        return None


def _take_step(job: Any, recipe: Recipe) -> Again | None:
    index = recipe.index(job.step)
    step = recipe.steps[index]
    _mark_started(job, index, step)
    turn = Turn(job, _copy(job.memo))
    _probe(job, step, "before")
    if time.monotonic() > job.held_until:
        # Overslept: somebody else may be past this step, and the far side asks for no token.
        raise LostClaim
    try:
        with transaction.atomic() if step.local else nullcontext():
            outcome = step.run(turn)
            _probe(job, step, "between")
            _record(job, recipe, index, turn, outcome)
    except LostClaim:
        raise
    except Exception as error:
        fault = error if isinstance(error, Fault) else _broken(job, step.name, error)
        _reread(job)
        if step.local:
            # Its rows were rolled back, so its notes of them must go too.
            turn = Turn(job, _copy(job.memo), host=turn.host)
        return _faulted(job, recipe, index, turn, fault)
    _probe(job, step, "after")
    return outcome


def _broken(job: Any, step: str, error: Exception) -> Fault:
    reference = uuid.uuid4().hex[:8]
    log.exception("job %s step %s broke, reference %s", job.pk, step, reference)
    return Fault(
        f"Something broke on our side (reference {reference}).",
        code="internal",
        retry_after=2.0 if isinstance(error, DatabaseError) else None,
        advice="Try again; if it happens twice, give the reference to your provider.",
    )


def _reread(job: Any) -> None:
    """Forget what was set on the object but rolled back with the row."""
    token = job.claim_token
    job.refresh_from_db()
    if job.claim_token != token:
        raise LostClaim


def _record(job: Any, recipe: Recipe, index: int, turn: Turn, outcome: Again | None) -> None:
    """Write what a step came to: wait, go on, or the end."""
    now = time.monotonic()
    entry = job.steps[index]
    entry["host"] = turn.host or entry.get("host", "")
    if isinstance(outcome, Again):
        if outcome.in_line:
            _mark_not_taken(job, index)
        elif _seconds_since(entry["started_at"]) > recipe.steps[index].limit:
            raise Fault(
                f"“{recipe.steps[index].title}” did not end in time.",
                code="timed_out",
                advice="Resume to go on waiting, or remove what was made.",
            )
        if outcome.percent is not None:
            entry["percent"] = outcome.percent
        due = In(outcome.after)
        write(
            job,
            steps=job.steps,
            percent=recipe.percent(index, entry.get("percent", 0)),
            message=outcome.message if outcome.message is not None else turn.message,
            attempt=0,
            due_at=due,
            # Longer waits are left to the sweep; shorter ones are nudged by the caller.
            nudged_at=due if outcome.after <= 5 else In(),
            claimed_until=None,
            **({"state": JobState.WAITING} if outcome.in_line else {}),
            **_noted(turn),
        )
        if outcome.recorded is not None:
            transaction.on_commit(outcome.recorded, robust=True)
        return
    entry.update(state=StepState.DONE, ended_at=_stamp(), percent=100, message=turn.message)
    if index + 1 == len(recipe.steps):
        _end(job, recipe, JobState.SUCCEEDED, turn)
        return
    following = job.steps[index + 1]
    following.update(state=StepState.RUNNING, started_at=_stamp(), attempt=1)
    write(
        job,
        steps=job.steps,
        step=recipe.steps[index + 1].name,
        percent=recipe.percent(index + 1, 0),
        message=turn.message,
        attempt=1,
        claimed_until=In(settings.JOB_LEASE_SECONDS),
        **_noted(turn),
    )
    job.held_until = now + settings.JOB_LEASE_SECONDS


def _faulted(job: Any, recipe: Recipe, index: int, turn: Turn, fault: Fault) -> Again | None:
    step, entry = recipe.steps[index], job.steps[index]
    host = turn.host or entry.get("host", "")
    entry.setdefault("started_at", _stamp())
    entry.update(state=StepState.RUNNING, attempt=job.attempt, message=fault.message, host=host)
    if not fault.permanent and job.attempt < step.attempts:
        backoff = FIRST_RETRY_SECONDS * 2 ** (job.attempt - 1)
        wait = min(max(fault.retry_after or 0.0, backoff), LONGEST_RETRY_SECONDS)
        due = In(wait)
        write(
            job,
            steps=job.steps,
            message=f"{fault.message} Trying again.",
            due_at=due,
            nudged_at=due if wait <= 5 else In(),
            claimed_until=None,
        )
        return Again(wait)
    entry.update(state=StepState.FAILED, ended_at=_stamp())
    _end(job, recipe, JobState.FAILED, turn, fault)
    return None


def _end(job: Any, recipe: Recipe, state: JobState, turn: Turn, fault: Fault | None = None) -> None:
    """Write the final state together with the recipe's own ending.

    A job that is to end as failed or cancelled does so even when its own ending breaks: it must not
    come round for ever. What is only unlucky (a deadlock) is tried again first.
    """
    if state == JobState.SUCCEEDED:
        _end_once(job, recipe, state, turn, fault)
        return
    noted = job.memo
    for tries_left in reversed(range(ENDING_TRIES)):
        try:
            _end_once(job, recipe, state, turn, fault)
            return
        except LostClaim:
            raise
        except Exception as error:
            # What was written of the notes was rolled back.
            job.memo = noted
            if isinstance(error, DatabaseError) and tries_left:
                continue
            broken = _broken(job, job.step, error)
            break
    if state == JobState.CANCELLED:
        _end(job, recipe, JobState.FAILED, turn, broken)
        return
    _end_once(job, replace(recipe, failed=recipe.broken), state, turn, fault)


def _end_once(job: Any, recipe: Recipe, state: JobState, turn: Turn, fault: Fault | None) -> None:
    # The end of a last local step is in its transaction, which an error undoes as a whole.
    with transaction.atomic(savepoint=not (state == JobState.SUCCEEDED and _is_local(job, recipe))):
        message = fault.message if fault else turn.message
        write(
            job,
            state=state,
            steps=job.steps,
            message=message,
            fault=fault.told() if fault else None,
            claimed_until=None,
            ended_at=In(),
            # A failed job may be resumed, so it keeps what it still needs, encrypted.
            **({} if state == JobState.FAILED else {"sealed": ""}),
            **_noted(turn),
            **({"percent": 100} if state == JobState.SUCCEEDED else {}),
        )
        if state == JobState.SUCCEEDED:
            recipe.succeeded(turn)
        elif state == JobState.FAILED:
            recipe.failed(turn, fault or Fault(message))
        else:
            recipe.cancelled(turn)
        recipe.ended(turn)


def _is_local(job: Any, recipe: Recipe) -> bool:
    return recipe.steps[recipe.index(job.step)].local


def _mark_started(job: Any, index: int, step: Step) -> None:
    entry = job.steps[index]
    entry["attempt"] = job.attempt
    if "started_at" not in entry:
        entry["started_at"] = _stamp()
    if entry["state"] != StepState.RUNNING:
        entry["state"] = StepState.RUNNING
        entry.pop("ended_at", None)
        # A local step commits with its record: nobody would see that it is being taken.
        if not step.local:
            write(job, steps=job.steps)


def _mark_not_taken(job: Any, index: int) -> None:
    """Nobody is at the step a job only stands before, even if the record says so."""
    entry = job.steps[index]
    entry["state"] = StepState.PENDING
    for key in ("started_at", "percent"):
        entry.pop(key, None)


def _noted(turn: Turn) -> dict[str, Any]:
    """Return what the step changed of the job's notes and secrets."""
    notes = {} if turn.memo == turn.job.memo else {"memo": turn.memo}
    return notes | ({"sealed": ""} if turn.forget else {})


def _copy(memo: dict[str, Any]) -> dict[str, Any]:
    """Return a copy through and through, so that a change deep inside is seen as one."""
    copy: dict[str, Any] = json.loads(json.dumps(memo))
    return copy


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _seconds_since(stamp: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()


def _probe(job: Any, step: Step, where: str) -> None:
    """Call the fault tests' probe, a dotted path in JOB_PROBE; nothing in production."""
    if settings.JOB_PROBE:
        import_string(settings.JOB_PROBE)(job, step.name, where)
