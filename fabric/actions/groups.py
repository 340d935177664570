"""Ordered groups: made, put in order, run, written to a file and read from one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Max, Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _

from fabric import group_file, tasks
from fabric.durable import sweep
from fabric.durable.nudge import nudge_on_commit
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs import group as running
from fabric.models import Group, GroupMember, Job, Machine, OnFailure
from fabric.states import GONE, Verb
from plans.models import Subscription
from tenants import rights
from tenants.actions import operations
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import User
from tenants.rights import Right

RIGHT_FOR = {Verb.START: Right.START, Verb.SHUTDOWN: Right.SHUTDOWN, Verb.STOP: Right.STOP}
LARGEST = 200
MOST = 200


@transaction.atomic
def create(
    *,
    by: User,
    subscription: Subscription,
    name: str,
    on_failure: str = OnFailure.STOP,
    machines: Sequence[Machine] = (),
) -> Group:
    """Return a new group with these machines in this order."""
    rights.require(by, subscription.tenant, Right.SCHEDULES)
    if not subscription.is_active:
        raise NotPossible(_("The subscription is not active."), field="subscription")
    if subscription.groups.count() >= MOST:
        raise NotPossible(_("At most %(n)d groups in a subscription.") % {"n": MOST})
    group = Group(subscription=subscription, created_by=by)
    _describe(group, name, on_failure)
    for machine in machines:
        _append(by, group, machine)
    _done(group, by, "group.create", {"machines": [machine.name for machine in machines]})
    return group


@transaction.atomic
def change(*, by: User, group: Group, name: str, on_failure: str) -> None:
    """Give a group another name, or say otherwise what becomes of a run when a machine fails."""
    group = _locked(group, by)
    _describe(group, name, on_failure)
    _done(group, by, "group.change", {"on_failure": on_failure})


@transaction.atomic
def add(*, by: User, group: Group, machine: Machine) -> None:
    """Put a machine of the group's subscription at its end."""
    group = _locked(group, by)
    _append(by, group, machine)
    _done(group, by, "group.add", {"machine": machine.name})


@transaction.atomic
def remove(*, by: User, group: Group, machine: Machine) -> None:
    """Take a machine out of a group. Repeatable."""
    group = _locked(group, by)
    if group.places.filter(machine=machine).delete()[0]:
        _done(group, by, "group.remove", {"machine": machine.name})


@transaction.atomic
def move(*, by: User, group: Group, machine: Machine, up: bool) -> None:
    """Have a machine change places with the one before it, or after it. At the end it stays."""
    group = _locked(group, by)
    places = list(group.in_order())
    at = next((n for n, place in enumerate(places) if place.machine_id == machine.pk), None)
    if at is None:
        raise NotPossible(_("The machine is not in the group any more."))
    other = at - 1 if up else at + 1
    if not 0 <= other < len(places):
        return
    one, two = places[at], places[other]
    one.position, two.position = two.position, one.position
    GroupMember.objects.bulk_update([one, two], ["position"])
    order = [place.machine.name for place in group.in_order()]
    _done(group, by, "group.order", {"machines": order})


@transaction.atomic
def delete(*, by: User, group: Group) -> None:
    """Delete a group and its schedules; its machines stay."""
    group = _locked(group, by)
    _done(group, by, "group.delete", {"machines": [p.machine.name for p in group.in_order()]})
    group.delete()


@transaction.atomic
def run(*, by: User, group: Group, verb: str) -> Job:
    """Start a group's machines in order, or shut them down or stop them the other way round."""
    group = Group.objects.select_for_update(of=("self",)).get(pk=group.pk)
    if not Group.objects.visible_to(by).filter(pk=group.pk).exists():
        # It has grown since they planned it.
        raise NotPermitted(_("You do not see all of its machines: ask a Tenant Admin."))
    machines = [place.machine for place in group.in_order()]
    return _begin(by, group.subscription, machines, verb, group.name, group.pk, group.on_failure)


@transaction.atomic
def run_list(
    *,
    by: User,
    subscription: Subscription,
    machines: Sequence[Machine],
    verb: str,
    name: str,
    on_failure: str = OnFailure.STOP,
) -> Job:
    """Do the same with a list that is no group."""
    return _begin(by, subscription, list(machines), verb, name, uuid.uuid4(), on_failure)


@transaction.atomic
def resume(*, by: User, group: Group) -> Job:
    """Go on with the last run, which failed: what was not done is tried again."""
    group = Group.objects.select_for_update(of=("self",)).get(pk=group.pk)
    job = Job.objects.filter(subject=group.pk).order_by("-created_at").first()
    if job is None or job.state != JobState.FAILED:
        raise NotPossible(_("There is nothing to go on with."))
    _require_verb(by, group.subscription, job.inputs["verb"])
    if not sweep.resume(job, running.GROUP_RUN):
        raise NotPossible(_("Somebody else has resumed it already."))
    operation_id = _log(group.pk, group.name, group.subscription, by, "group.continue", {})
    Job.objects.filter(pk=job.pk).update(
        operation_id=operation_id, actor_email=by.email, inputs={**job.inputs, "by": str(by.pk)}
    )
    nudge_on_commit(tasks.advance, job.pk)
    return Job.objects.get(pk=job.pk)


class FileRefused(Refused):
    """A file of groups cannot be used; `problems` names every line."""

    code = "file_refused"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems), field="text")
        self.problems = tuple(problems)


@transaction.atomic
def import_file(
    *, by: User, subscription: Subscription, text: str, replace: bool = False
) -> list[Group]:
    """Make the groups of a file, or none; with `replace`, those of the same name get its order."""
    rights.require(by, subscription.tenant, Right.SCHEDULES)
    lines = read(text)
    machines = machines_of(by, subscription, lines)
    known = {group.name.casefold(): group for group in subscription.groups.select_for_update()}
    seen = set(Group.objects.visible_to(by).filter(subscription=subscription))
    problems = [
        group_file.at(line.number, _("a group “%(name)s” exists already.") % {"name": line.group})
        for line in _first_lines(lines)
        if line.group.casefold() in known and not (replace and known[line.group.casefold()] in seen)
    ]
    if problems:
        raise FileRefused(problems)
    made = []
    for first in _first_lines(lines):
        key = first.group.casefold()
        wanted = [
            machines[line.machine.casefold()] for line in lines if line.group.casefold() == key
        ]
        group = known.get(key)
        if group is None:
            group = create(by=by, subscription=subscription, name=first.group, machines=wanted)
        else:
            group = _locked(group, by)
            group.places.all().delete()
            for machine in wanted:
                _append(by, group, machine)
            _done(group, by, "group.order", {"machines": [each.name for each in wanted]})
        made.append(group)
    return made


def read(text: str) -> tuple[group_file.Line, ...]:
    """Return the lines of a file, or raise FileRefused with what is wrong in each."""
    parsed = group_file.parse(text)
    if parsed.problems:
        raise FileRefused(parsed.problems)
    return parsed.lines


def machines_of(
    by: User, subscription: Subscription, lines: Iterable[group_file.Line]
) -> dict[str, Machine]:
    """Return the machines of a file by their small names; those unknown are named and refused."""
    found = {
        machine.name.casefold(): machine
        for machine in Machine.objects.visible_to(by).filter(subscription=subscription)
    }
    unknown = [
        group_file.at(
            line.number,
            _("there is no machine “%(name)s” in %(subscription)s.")
            % {"name": line.machine, "subscription": subscription.name},
        )
        for line in lines
        if line.machine.casefold() not in found
    ]
    if unknown:
        raise FileRefused(unknown)
    return found


def exported(groups: Iterable[Group]) -> str:
    """Return groups as a file that `import_file` reads. One query for all that is in them."""
    rows = list(groups)
    there = GroupMember.objects.exclude(machine__state__in=GONE).select_related("machine")
    prefetch_related_objects(rows, Prefetch("places", there, to_attr="present"))
    return group_file.written(
        (group.name, place.machine.name) for group in rows for place in group.present
    )


def _first_lines(lines: Iterable[group_file.Line]) -> list[group_file.Line]:
    """Return the line that names each group first, in the file's order."""
    firsts: dict[str, group_file.Line] = {}
    for line in lines:
        firsts.setdefault(line.group.casefold(), line)
    return list(firsts.values())


def _begin(
    by: User,
    subscription: Subscription,
    machines: list[Machine],
    verb: str,
    name: str,
    subject: uuid.UUID,
    on_failure: str,
) -> Job:
    _require_verb(by, subscription, verb)
    if not machines:
        raise NotPossible(_("There is no machine in it."))
    if not subscription.is_active:
        raise NotPossible(_("The subscription is not active."))
    told = {"machines": [machine.name for machine in machines], "on_failure": on_failure}
    operation_id = _log(subject, name, subscription, by, f"group.{verb}", told)
    try:
        with transaction.atomic():
            job = running.begin(
                subscription,
                machines,
                by=by,
                verb=verb,
                name=name,
                subject=subject,
                operation_id=operation_id,
                on_failure=on_failure,
            )
    except IntegrityError as error:
        raise NotPossible(_("Wait until the present run of this group ends.")) from error
    nudge_on_commit(tasks.begin)
    return job


def _require_verb(by: User, subscription: Subscription, verb: str) -> None:
    if verb not in RIGHT_FOR:
        raise Refused(_("There is no such command."))
    rights.require(by, subscription.tenant, RIGHT_FOR[Verb(verb)])


def _describe(group: Group, name: str, on_failure: str) -> None:
    name = name.strip()
    if not 0 < len(name) <= group_file.NAME_LENGTH or not name.isprintable() or ";" in name:
        raise Refused(_("Between 1 and 80 characters, no semicolon."), field="name")
    if on_failure not in OnFailure.values:
        raise Refused(_("Choose what becomes of a run when a machine fails."), field="on_failure")
    group.name, group.on_failure = name, on_failure
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError as error:
        raise Conflicting(
            _("This subscription has a group named “%(name)s” already.") % {"name": name},
            field="name",
        ) from error


def _append(by: User, group: Group, machine: Machine) -> None:
    mine = Machine.objects.visible_to(by).filter(subscription_id=group.subscription_id)
    if not mine.filter(pk=machine.pk).exists():
        raise NotPermitted(_("Choose a machine of the group's subscription."), field="machine")
    last = group.places.aggregate(
        last=Max("position"),
    )["last"]
    if (last or 0) >= LARGEST and group.places.count() >= LARGEST:
        raise NotPossible(_("A group holds at most %(most)d machines.") % {"most": LARGEST})
    try:
        with transaction.atomic():
            GroupMember.objects.create(group=group, machine=machine, position=(last or 0) + 1)
    except IntegrityError as error:
        raise Conflicting(
            _("%(machine)s is in the group already.") % {"machine": machine.name}, field="machine"
        ) from error


def _locked(group: Group, by: User) -> Group:
    """Return the group, locked, if the person may put it in order."""
    rights.require(by, group.subscription.tenant, Right.SCHEDULES)
    found = Group.objects.select_for_update(of=("self",)).filter(pk=group.pk)
    row = found.select_related("subscription__tenant").first()
    if row is None:
        raise NotPossible(_("The group is gone."))
    return row


def _done(group: Group, by: User, action: str, told: dict) -> None:
    operations.succeeded(_log(group.pk, group.name, group.subscription, by, action, told))


def _log(
    subject: uuid.UUID,
    name: str,
    subscription: Subscription,
    by: User,
    action: str,
    told: dict,
) -> uuid.UUID:
    return operations.started(
        action,
        by=by,
        tenant=subscription.tenant,
        object_type="group",
        object_id=subject,
        object_name=name,
        parameters=told,
    )
