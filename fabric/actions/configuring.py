"""Change what a machine is called, its size, its tags, its protection and its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric import rules
from fabric.actions import changing, held, ordering
from fabric.errors import NotPossible
from fabric.jobs import leave as leaving
from fabric.models import EndAction, Job, Machine
from fabric.providers.changes import Configure
from fabric.states import GONE, Verb
from plans.actions import quota
from tenants.errors import NotPermitted, Refused
from tenants.models import User


@transaction.atomic
def configure(
    *,
    by: User,
    machine: Machine,
    name: str | None = None,
    description: str | None = None,
    cores: int | None = None,
    memory_mb: int | None = None,
) -> Job | None:
    """Change name, description or size; what is None stays. None when nothing would change.

    What grows is reserved first; what shrinks is given back once the cloud has let go of it.
    """
    row = held.held(machine, Verb.CONFIGURE, by)
    asked = {"name": name, "description": description, "cores": cores, "memory_mb": memory_mb}
    values = {
        key: value
        for key, value in asked.items()
        if value is not None and value != getattr(row, key)
    }
    if not values:
        return None
    if "cores" in values or "memory_mb" in values:
        _require_size(row, values.get("cores", row.cores), values.get("memory_mb", row.memory_mb))
    was = {key: getattr(row, key) for key in values}
    before = _write_words(row, values)
    return changing.begin(
        row,
        Configure,
        by=by,
        verb=Verb.CONFIGURE,
        action="machine.configure",
        title=gettext_noop("Configure %(name)s"),
        doing=gettext_noop("Changing…"),
        values=values,
        wanted={key: values[key] - was[key] for key in ("cores", "memory_mb") if key in values},
        before=before,
        told={**values, "before": was},
    )


def _require_size(machine: Machine, cores: int, memory_mb: int) -> None:
    """Refuse a size that template or plan do not allow, or that needs a stop first."""
    offering = machine.subscription.plan.offering
    if machine.template is not None:
        if offering.fixed_templates.filter(pk=machine.template_id).exists():
            raise NotPermitted(
                _("Machines of “%(template)s” come in one size in your plan.")
                % {"template": machine.template.name},
                field="cores",
            )
        ordering.require_size(offering, machine.template, cores, memory_mb)
    else:
        problem = rules.size_problem(cores, memory_mb)
        if problem:
            raise Refused(problem[1], field=problem[0])
    reason = rules.resize_why_not(machine.state)
    if reason:
        raise NotPossible(reason, field="cores")


def _write_words(machine: Machine, values: dict[str, Any]) -> dict[str, Any]:
    """Write name and description at once, so that the name is taken; return what they were."""
    names = [key for key in ("name", "description") if key in values]
    before: dict[str, Any] = {key: getattr(machine, key) for key in names}
    if "name" in values:
        problem = rules.name_problem(values["name"], "")
        if problem:
            raise Refused(problem, field="name")
    if "description" in values:
        ordering.require_text(
            values["description"], ordering.DESCRIPTION_LENGTH, "description", lines=True
        )
    for key in before:
        setattr(machine, key, values[key])
    try:
        with transaction.atomic():
            machine.save(update_fields=list(before)) if before else None
    except IntegrityError as error:
        raise ordering.name_taken(values["name"]) from error
    return before


@transaction.atomic
def tag(*, by: User, machine: Machine, tags: Iterable[str]) -> Machine:
    """Give the machine these tags and no others; they are the portal's own."""
    row = held.lock(machine)
    held.require_right(row, Verb.TAG, by)
    return _write(row, Verb.TAG, by, {"tags": ordering.tags_of(tags)})


@transaction.atomic
def retag(*, by: User, machine: Machine, add: Iterable[str], remove: Iterable[str]) -> Machine:
    """Add tags to those the machine has by now, and take others off."""
    row = held.lock(machine)
    less = {" ".join(tag.split()).lower() for tag in remove}
    kept = [tag for tag in row.tags if tag not in less]
    return tag(by=by, machine=row, tags=[*kept, *add])


@transaction.atomic
def protect(*, by: User, machine: Machine, on: bool) -> Machine:
    """Have deleting and rebuilding refused, or allow them again. Locks the machine, then its
    subscription."""
    row = held.lock(machine)
    held.require_right(row, Verb.PROTECT, by)
    if on:
        _require_staying(row)
    if on and row.ends_at and row.end_action == EndAction.DELETE:
        raise NotPossible(_("It has an end date on which it is deleted: change that first."))
    return _write(row, Verb.PROTECT, by, {"is_protected": on})


@transaction.atomic
def lift_protection(*, by: User, machine: Machine) -> Machine:
    """Take a protection off whose owner cannot: an operator's act, which the tenant finds in its
    activity. Locks the machine."""
    if not by.is_operator:
        raise NotPermitted(_("Only operators can do this."))
    row = held.lock(machine)
    if row.state in GONE or not row.is_protected:
        raise NotPossible(_("It is not protected."))
    return _write(row, Verb.PROTECT, by, {"is_protected": False})


@transaction.atomic
def lease(
    *, by: User, machine: Machine, ends_at: datetime | None, action: str = EndAction.STOP
) -> Machine:
    """Set the day on which the machine is turned off or deleted, or take it away (None). Locks as
    protecting does."""
    row = held.lock(machine)
    held.require_right(row, Verb.LEASE, by)
    if ends_at is not None:
        _require_staying(row)
        ordering.require_end(ends_at, action)
        held.require_right(row, END_VERB[EndAction(action)], by)
        if action == EndAction.DELETE and row.is_protected:
            raise NotPossible(_("It is protected: take the protection off first."))
    values = {"ends_at": ends_at, "end_action": str(action), "end_warned_at": None}
    return _write(row, Verb.LEASE, by, values)


def _require_staying(machine: Machine) -> None:
    """Refuse what a machine that is deleted with its subscription will not live to see.

    Locks the subscription, as who begins to leave it does: either sees what the other wrote. A
    leaving that failed holds nobody up: it goes on past no protection.
    """
    quota.lock(machine.subscription_id)
    if leaving.is_under_way(machine.subscription_id):
        raise NotPossible(_("It is being deleted, as its whole subscription is."))


END_VERB = {EndAction.STOP: Verb.STOP, EndAction.DELETE: Verb.DELETE}


def _write(row: Machine, verb: Verb, by: User, values: dict[str, Any]) -> Machine:
    """Write columns that the cloud knows nothing of, whatever the machine is busy with."""
    if all(getattr(row, key) == value for key, value in values.items()):
        return row
    told = {key: value for key, value in values.items() if key != "end_warned_at"}
    if told.get("ends_at"):
        told["ends_at"] = values["ends_at"].isoformat()
    for key, value in values.items():
        setattr(row, key, value)
    row.save(update_fields=list(values))
    held.done(row, by, f"machine.{verb}", told)
    return row
