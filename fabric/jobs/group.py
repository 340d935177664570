"""Start or stop machines in order, each only when the one before is there (features D038–D046).

A child job a machine, asked for in the name of the person who asked for the run. What became of
each stands in the notes: outcome, why, how long, its addresses before and after.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from fabric.durable import engine
from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.durable.states import LIVE, JobState
from fabric.jobs import asking, far_side
from fabric.models import Job, Machine, OnFailure
from fabric.states import GONE, MachineState, Verb
from plans.models import Subscription
from tenants.actions import operations
from tenants.errors import Refused
from tenants.models import User

TITLES = {
    Verb.START: gettext_noop("Start %(name)s in order"),
    Verb.SHUTDOWN: gettext_noop("Shut down %(name)s in order"),
    Verb.STOP: gettext_noop("Stop %(name)s in order"),
}
DONE = {
    Verb.START: (MachineState.RUNNING,),
    Verb.SHUTDOWN: (MachineState.STOPPED, MachineState.STORED),
    Verb.STOP: (MachineState.STOPPED, MachineState.STORED),
}
GOOD = ("done", "already")
TIME_OUT = 900
LOOK_SECONDS = 1.0
DAY = 86400.0


def begin(
    subscription: Subscription,
    machines: Sequence[Machine],
    *,
    by: User,
    verb: str,
    name: str,
    subject: uuid.UUID,
    operation_id: uuid.UUID,
    on_failure: str = OnFailure.STOP,
    time_out: int = TIME_OUT,
) -> Job:
    """Write the job; `machines` in the order of starting, which a stop turns round."""
    order = list(machines) if verb == Verb.START else list(reversed(machines))
    title = TITLES[Verb(verb)]
    return engine.start(
        Job,
        GROUP_RUN,
        subject=subject,
        title=title % {"name": name},
        inputs={
            "title": [title, name],
            "name": name,
            "verb": str(verb),
            "machines": [{"id": str(machine.pk), "name": machine.name} for machine in order],
            "on_failure": str(on_failure),
            "by": str(by.pk),
            "time_out": time_out,
        },
        subscription=subscription,
        operation_id=operation_id,
        actor_email=by.email,
    )


def results_of(job: Job) -> list[dict[str, Any]]:
    """Return what became of each machine so far, in the order of the run."""
    told = job.memo.get("results", {})
    waiting = {"outcome": "" if job.state in LIVE else "not_tried", "text": ""}
    return [machine | told.get(machine["id"], waiting) for machine in job.inputs["machines"]]


def ensure_each(turn: Turn) -> Again | None:
    """Take one machine after the other; a failure ends the run, or is passed over."""
    memo, inputs = turn.memo, turn.job.inputs
    results = memo.setdefault("results", {})
    if memo.pop("resumed", False):
        _forget_failures(memo)
    for entry in inputs["machines"]:
        if entry["id"] in results:
            continue
        if _failed_ones(results) and inputs["on_failure"] == OnFailure.STOP:
            break
        told = _take(turn, entry)
        if isinstance(told, Again):
            return told
        results[entry["id"]] = told | _measured(memo, entry["id"])
        memo["now"] = {}
    turn.message = _summary(turn.job, results)
    if not _failed_ones(results):
        return None
    if not memo.get("told"):
        # A fault takes the notes of its own turn back: keep them in one before.
        memo["told"] = True
        return Again(0.0, percent=99, message=turn.message)
    raise Fault(turn.message, code="machines_failed", advice=ADVICE)


ADVICE = "Resume to try again what was not done."


def _forget_failures(memo: dict[str, Any]) -> None:
    memo["results"] = {id: told for id, told in memo["results"].items() if _is_good(told)}
    memo.update(told=False, now={})


def _take(turn: Turn, entry: dict[str, str]) -> Again | dict[str, str]:
    """Ask for a machine, or look how far it is; return its outcome once there is one."""
    memo, inputs = turn.memo, turn.job.inputs
    now = memo.setdefault("now", {})
    machine = Machine.objects.filter(pk=entry["id"]).exclude(state__in=GONE).first()
    if machine is None:
        return _outcome("failed", gettext_noop("The machine is deleted."))
    if not now:
        now.update(since=timezone.now().isoformat(), before=machine.addresses, child=None)
    is_there = machine.state in DONE[Verb(inputs["verb"])]
    child = Job.objects.filter(pk=now["child"]).first() if now["child"] else None
    if child is not None and child.state in (JobState.FAILED, JobState.CANCELLED):
        return _outcome("failed", (child.fault or {}).get("message", "") or child.message)
    if is_there and (child is None or child.state == JobState.SUCCEEDED):
        return _outcome("done" if child else "already")
    if _seconds(now) > inputs["time_out"]:
        minutes = max(1, inputs["time_out"] // 60)
        return _outcome("timed_out", f"Not there after {minutes} minutes.")
    if child is None and not machine.is_busy:
        return _ask(turn, machine)
    return _look_again(turn, entry)


def _ask(turn: Turn, machine: Machine) -> Again | dict[str, str]:
    inputs = turn.job.inputs
    person = User.objects.filter(pk=inputs["by"], is_active=True).first()
    if person is None:
        return _outcome("failed", gettext_noop("Who asked for it has no account any more."))
    try:
        with transaction.atomic():
            child = asking.act("operate")(
                by=person, machine=machine, verb=inputs["verb"], parent=turn.job
            )
    except Refused as refused:
        return _outcome("failed", refused.message)
    turn.memo["now"]["child"] = str(child.pk)
    return _look_again(turn, {"id": str(machine.pk), "name": machine.name})


def _look_again(turn: Turn, entry: dict[str, str]) -> Again:
    machines, results = turn.job.inputs["machines"], turn.memo["results"]
    return Again(
        LOOK_SECONDS,
        percent=len(results) * 100 // len(machines),
        message=f"{entry['name']} ({len(results) + 1} of {len(machines)})",
    )


def _outcome(outcome: str, text: str = "") -> dict[str, str]:
    return {"outcome": outcome, "text": text}


def _measured(memo: dict[str, Any], machine_id: str) -> dict[str, Any]:
    """Return how long it took, and its addresses before and after."""
    now = memo.get("now") or {}
    addresses = Machine.objects.values_list("addresses", flat=True)
    return {
        "seconds": round(_seconds(now)) if now else 0,
        "before": now.get("before", []),
        "after": addresses.filter(pk=machine_id).first() or [],
    }


def _seconds(now: dict[str, Any]) -> float:
    return (timezone.now() - datetime.fromisoformat(now["since"])).total_seconds()


def _is_good(told: dict[str, Any]) -> bool:
    return told["outcome"] in GOOD


def _failed_ones(results: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [told for told in results.values() if not _is_good(told)]


def _summary(job: Job, results: dict[str, dict[str, Any]]) -> str:
    """Return the report in one line."""
    names = {entry["id"]: entry["name"] for entry in job.inputs["machines"]}
    good = sum(map(_is_good, results.values()))
    line = f"{good} of {len(names)} done."
    for id, told in results.items():
        if not _is_good(told):
            line += f" {names[id]}: {told['text'] or told['outcome']}"
    untried = [name for id, name in names.items() if id not in results]
    return line + (f" Not tried: {', '.join(untried)}." if untried else "")


def _succeeded(turn: Turn) -> None:
    operations.succeeded(turn.job.operation_id, turn.message)


GROUP_RUN = Recipe(
    name="group.run",
    title="Start or stop in order",
    steps=(
        Step(
            "ensure_each",
            "One machine after the other",
            ensure_each,
            local=True,
            share=100,
            limit=DAY,
        ),
    ),
    succeeded=_succeeded,
    failed=far_side.log_failure,
)
