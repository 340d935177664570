"""What every action on a machine does: hold it, ask whether it may be, begin the job.

`by` nobody is the system's own act: a schedule, the end of a lease. It needs the plan's permission,
and nobody's role.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fabric import abilities, access, rules, tasks
from fabric.durable import engine
from fabric.durable.nudge import nudge_on_commit
from fabric.durable.recipe import Recipe
from fabric.errors import NotPossible
from fabric.models import Job, Machine, Provider
from fabric.providers.abilities import MEMBER_ROLES
from fabric.states import MachineState
from plans.models import Provisioning, Subscription
from tenants import rights
from tenants.actions import operations
from tenants.errors import NotPermitted
from tenants.models import Membership, User


def lock(machine: Machine) -> Machine:
    """Return the machine, locked, with its plan."""
    return (
        Machine.objects.select_for_update(of=("self",))
        .select_related("subscription__plan__offering", "subscription__tenant", "stamp__provider")
        .get(pk=machine.pk)
    )


def held(machine: Machine, verb: str, by: User | None) -> Machine:
    """Return the machine, locked, if this person may ask for the verb and it is possible now."""
    row = lock(machine)
    require_right(row, verb, by)
    reason = why_not(row, verb)
    if reason:
        raise NotPossible(reason)
    return row


def require_right(machine: Machine, verb: str, by: User | None) -> None:
    """Raise NotPermitted unless plan and role allow the verb. Pages show strangers nothing to begin
    with."""
    of_tenant = rights.ALL
    if by is not None:
        member = access.member_of(by, machine)
        if member is None:
            raise NotPermitted(_("You do not belong to the tenant of this subscription."))
        of_tenant = rights.through_key(by, member.tenant_id, rights.of_member(member))
    reason = access.why_forbidden(by, machine, verb, of_tenant)
    if reason:
        raise NotPermitted(reason)


def why_not(machine: Machine, verb: str) -> str | None:
    """Return why a verb is not possible now, whoever asks; None when it is."""
    return rules.why_not(
        machine.state,
        verb,
        machine.subscription.plan.offering.granted,
        active=machine.subscription.is_active,
        protected=machine.is_protected,
        in_rescue=machine.rescued_at is not None,
    )


def require_ability(provider: Provider, ability: str, field: str | None = None) -> None:
    """Raise NotPossible, in words, where the endpoint cannot do it."""
    reason = abilities.why_not(provider, ability)
    if reason:
        raise NotPossible(reason, field=field)


def key_of(by: User | None, request_key: str, part: object = "") -> str | None:
    """Return what a person's request is known by, None for one without a key."""
    if not request_key:
        return None
    asked = f"{by.pk if by else 'system'}:{request_key}"
    return hashlib.sha256((f"{asked}:{part}" if part else asked).encode()).hexdigest()


def asked_before(
    machine: Machine, by: User | None, request_key: str
) -> tuple[str | None, Job | None]:
    """Return what a request on a machine is known by, and the job it began if it came before.

    Locks the machine: of two that come at once, the second sees the job of the first.
    """
    key = key_of(by, request_key)
    if key is not None:
        lock(machine)
    return key, earlier(key)


def earlier(key: str | None) -> Job | None:
    """Return the job that the same request began before."""
    if key is None:
        return None
    return Job.objects.filter(request_key=key).select_related("machine").first()


def begin(
    machine: Machine,
    *,
    by: User | None,
    recipe: Recipe,
    action: str,
    title: str,
    inputs: dict[str, Any],
    doing: str = "",
    becomes: str = MachineState.UPDATING,
    told: dict[str, Any] | None = None,
    **fields: Any,
) -> Job:
    """Start a job on a held machine, which shows what is being done.

    `title` and `doing` are English source texts, of which the title names the machine; `told` is
    what the log says instead of the inputs; `fields` are the job's own: secrets, request_key, …
    """
    try:
        with transaction.atomic():
            job = start(
                machine,
                by=by,
                recipe=recipe,
                action=action,
                title=title,
                inputs={"was": machine.state, **inputs},
                told=inputs if told is None else told,
                **fields,
            )
    except IntegrityError as error:
        raise NotPossible(_("Wait until the present work on this machine ends.")) from error
    become(machine, becomes, doing)
    return job


def start(
    machine: Machine,
    *,
    by: User | None,
    recipe: Recipe,
    action: str,
    title: str,
    inputs: dict[str, Any],
    told: dict[str, Any],
    **fields: Any,
) -> Job:
    """Write a machine's job and its operation, and have it begun after commit."""
    job = engine.start(
        Job,
        recipe,
        subject=machine.pk,
        title=title % {"name": machine.name},
        inputs={"title": [title, machine.name], **inputs},
        **owned(machine, by, action, told),
        **fields,
    )
    nudge_on_commit(tasks.begin)
    return job


def become(machine: Machine, state: str, text: str) -> None:
    """Show a state and what is being done."""
    Machine.objects.filter(pk=machine.pk).update(state=state, status_text=text[:200])


def owned(machine: Machine, by: User | None, action: str, told: dict[str, Any]) -> dict[str, Any]:
    """Return the columns every machine job has, its operation begun in the log."""
    subscription = machine.subscription
    return {
        "machine": machine,
        "subscription": subscription,
        "stamp_id": machine.stamp_id,
        "operation_id": log(machine, by, action, told),
        "actor_email": by.email if by else subscription.owner_email,
        "acts_as": acts_as(machine, by),
    }


def log(machine: Machine, by: User | None, action: str, told: dict[str, Any]) -> uuid.UUID:
    """Note in the log that an act on a machine began; return the id it ends under."""
    return operations.started(
        action,
        by=by,
        tenant=machine.subscription.tenant,
        object_type="machine",
        object_id=machine.pk,
        object_name=machine.name,
        parameters=told,
    )


def done(machine: Machine, by: User | None, action: str, told: dict[str, Any]) -> None:
    """Note in the log an act that was over at once."""
    operations.succeeded(log(machine, by, action, told))


def acts_as(machine: Machine, by: User | None) -> uuid.UUID | None:
    """Return the VMM role a restricted member's calls are made in, None for the subscription's."""
    member = access.member_of(by, machine) if by else None
    return acting_role(machine.subscription, member, machine.stamp.provider)


def acting_role(
    subscription: Subscription, member: Membership | None, provider: Provider
) -> uuid.UUID | None:
    """Return the role inside the subscription's that a member has, where the endpoint knows any.
    Their `has_part` is read, see `access.member_of`.

    While roles are being written there it may not be there yet: what was asked for was judged here.
    """
    if member is None or not access.is_restricted(member):
        return None
    if subscription.provisioning != Provisioning.IN_SYNC:
        return None
    if abilities.why_not(provider, MEMBER_ROLES):
        return None
    return access.role_of(subscription.pk, member)
