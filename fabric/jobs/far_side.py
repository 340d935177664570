"""What every recipe of this plane does with the far side: call it, wait for it, end together."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from fabric import registry
from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Step, Turn
from fabric.jobs import standing, watch
from fabric.models import Job, Machine, Stamp
from fabric.providers.base import Accepted, Provider, RemoteMachine
from fabric.providers.changes import Change
from fabric.providers.errors import ProviderFault
from fabric.sync import absence
from fabric.vault.errors import VaultLocked
from tenants.actions import operations

# The watch wakes a waiting job; this is how long it sleeps when no watch does.
FALLBACK_SECONDS = 30.0


@contextmanager
def provider(turn: Turn) -> Iterator[Provider]:
    """Yield the job's provider; its faults become faults of the step."""
    turn.renew()
    stamp = Stamp.objects.select_related("provider").get(pk=turn.job.stamp_id)
    try:
        with absence.watching(stamp):
            yield registry.provider_for(stamp.provider)
    except VaultLocked as locked:
        raise Fault(
            "The configuration store of this server is locked.",
            code="vault_locked",
            retry_after=10.0,
            advice="Your provider has to unlock it with the passphrase; then resume.",
        ) from locked
    except ProviderFault as fault:
        raise Fault(
            fault.message, code=fault.code, retry_after=fault.retry_after, advice=fault.advice
        ) from fault


def remote_id(turn: Turn) -> uuid.UUID:
    """Return the far side's id of the job's machine."""
    found = Machine.objects.values_list("remote_id", flat=True).get(pk=turn.job.machine_id)
    if found is None:
        raise Fault("The cloud does not know this machine yet.", code="not_there")
    return found


def find(turn: Turn, provider: Provider) -> RemoteMachine | None:
    """Return the far side's machine that carries the tag of the job's, as the subscription's own
    role sees it: a member's might not see all."""
    job = turn.job
    return provider.find_machine(
        str(job.machine_id),
        Machine.objects.values_list("name", flat=True).get(pk=job.machine_id),
        stamp_id=job.stamp_id,
        tenant=job.subscription_id,
        person=job.actor_email,
    )


def operate(turn: Turn, provider: Provider, machine_id: uuid.UUID, operation: str) -> Accepted:
    """Ask for an operation in the name of the person the job is for."""
    job = turn.job
    return provider.operate(
        machine_id,
        operation,
        stamp_id=job.stamp_id,
        tenant=role(job),
        person=job.actor_email,
    )


def change(turn: Turn, provider: Provider, wanted: Change, part: str = "") -> Accepted | None:
    """Ask for a change in the name of the person the job is for; None when it is so already. A step
    that asks for several tells its parts apart."""
    job = turn.job
    return provider.change(
        wanted,
        stamp_id=job.stamp_id,
        tenant=role(job),
        person=job.actor_email,
        first_try=turn.first_try,
        key=f"{job.pk}:{job.step}{part}",
    )


def role(job: Job) -> uuid.UUID:
    """Return the VMM role a job's calls are made in."""
    return job.acts_as or job.subscription_id


def note(turn: Turn, accepted: Accepted | None) -> None:
    """Keep the far side's job id on the row, so the watch asks for it from now on."""
    job = turn.job
    job.remote_ref = accepted.job_id if accepted else None
    job.remote = {}
    type(job)._default_manager.filter(pk=job.pk, claim_token=job.claim_token).update(
        remote_ref=job.remote_ref, remote={}
    )


def wait_for_remote_job(turn: Turn) -> Again | None:
    """Wait until the watch has seen the far side's job end; its failure is this step's."""
    job = turn.job
    if job.remote_ref is None:
        return None
    remote = job.remote
    if not remote.get("completed"):
        return look_soon(turn, percent=remote.get("percent", 0))
    if not remote["succeeded"]:
        raise Fault(
            remote.get("problem") or "The cloud could not do it.",
            code="fabric_failed",
            advice=remote.get("advice", ""),
        )
    if standing.KEY in remote:
        standing.note(turn, remote[standing.KEY])
    return None


def look_soon(turn: Turn, *, percent: int) -> Again:
    """Return the waiting for the far side's job, which the watch ends."""
    return Again(
        FALLBACK_SECONDS,
        percent=percent,
        nudged=True,
        recorded=partial(watch.want_look, turn.job.stamp_id),
    )


def wait(name: str, title: str, *, share: int, limit: float = 900) -> Step:
    """Return the step that waits for the far side's job."""
    return Step(name, title, wait_for_remote_job, local=True, share=share, limit=limit)


def log_success(turn: Turn) -> None:
    """End the operation with the job."""
    operations.succeeded(turn.job.operation_id)


def log_failure(turn: Turn, fault: Fault) -> None:
    """End the operation with the job."""
    operations.failed(turn.job.operation_id, fault.message)
