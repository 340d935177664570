"""Affinity sets: machines that belong on different hosts, or on one.

Machines are locked first, then the set, so that a machine being placed is seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TypedDict, Unpack

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import fields, rows
from fabric.vmm.errors import Conflict, Invalid, NotFound
from fabric.vmm.models import AffinityKind, AffinitySet, Server, UserRole, VirtualMachine
from fabric.vmm.roles import Caller


class Details(TypedDict, total=False):
    kind: str
    is_strict: bool


class Changes(Details, total=False):
    name: str


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    name: str,
    role: UserRole | None = None,
    machines: Iterable[VirtualMachine] = (),
    **details: Unpack[Details],
) -> AffinitySet:
    """Make a set. A tenant's is its role's own; the fabric's may hold anybody's machines."""
    members = list(machines)
    owner = role if caller.is_fabric else caller.role
    _require_may(caller, owner)
    row = AffinitySet(server=server, role=owner)
    added = rows.save(rows.assign(row, {"name": name, **details}, _SET))
    return put_in(caller, added, machines=members) if members else added


@transaction.atomic
def change(
    caller: Caller,
    affinity: AffinitySet,
    *,
    machines: Iterable[VirtualMachine] = fields.UNCHANGED,
    **values: Unpack[Changes],
) -> AffinitySet:
    """Change a set; Conflict when it would be strict and is broken, naming machines and hosts.

    With `machines` these are all its members from now on.
    """
    before = list(VirtualMachine.objects.filter(affinity=affinity))
    members = before if machines is fields.UNCHANGED else list(machines)
    if machines is not fields.UNCHANGED:
        _locked(caller, {machine.pk: machine for machine in [*before, *members]}.values())
    held = _held(caller, affinity)
    rows.save(rows.assign(held, values, _SET))
    if machines is not fields.UNCHANGED:
        kept = {machine.pk for machine in members}
        take_out(caller, held, machines=[each for each in before if each.pk not in kept])
        put_in(caller, held, machines=members)
    _require_whole(caller, held)
    return held


@transaction.atomic
def remove(caller: Caller, affinity: AffinitySet) -> None:
    """Remove a set; its machines stay where they are."""
    _held(caller, affinity).delete()


@transaction.atomic
def put_in(
    caller: Caller, affinity: AffinitySet, *, machines: Iterable[VirtualMachine]
) -> AffinitySet:
    """Put machines into a set, out of any other; Conflict when it is strict and they break it."""
    locked = _locked(caller, machines)
    held = _held(caller, affinity)
    theirs = AffinitySet.objects.filter(role=None, machines__in=locked).order_by("name").first()
    if theirs is not None and not caller.is_fabric:
        raise Conflict(
            f"Its machines are in the affinity set {theirs} of your provider.", field="machines"
        )
    for machine in locked:
        if machine.server_id != held.server_id:
            raise Invalid(f"The machine {machine} belongs to another VMM server.", field="machines")
        if held.role_id is not None and machine.role_id != held.role_id:
            raise Invalid(
                f"The machine {machine} is not of the user role that owns the set {held}.",
                field="machines",
            )
    VirtualMachine.objects.filter(pk__in=[m.pk for m in locked]).update(affinity=held)
    _require_whole(caller, held)
    return held


@transaction.atomic
def take_out(
    caller: Caller, affinity: AffinitySet, *, machines: Iterable[VirtualMachine]
) -> AffinitySet:
    """Take machines out of a set; those that are not in it do not matter."""
    locked = _locked(caller, machines)
    held = _held(caller, affinity)
    gone = VirtualMachine.objects.filter(pk__in=[m.pk for m in locked], affinity=held)
    gone.update(affinity=None)
    return held


def _require_may(caller: Caller, owner: UserRole | None) -> None:
    """Raise Denied unless the caller may have a set of this role (None is the fabric's)."""
    if caller.is_fabric:
        roles.require_fabric(caller)
    else:
        roles.require_any(caller, *roles.CHANGE)
        if owner is None or caller.role is None or owner.pk != caller.role.pk:
            raise NotFound("There is no such affinity set.")


def _held(caller: Caller, affinity: AffinitySet) -> AffinitySet:
    held = AffinitySet.objects.select_for_update(no_key=True).filter(pk=affinity.pk).first()
    if held is None:
        raise NotFound(f"There is no affinity set {affinity.pk}.")
    _require_may(caller, held.role)
    return held


def _locked(caller: Caller, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
    """Return the machines, locked in the order of their ids."""
    wanted = {machine.pk for machine in machines}
    found = VirtualMachine.objects.select_for_update(no_key=True).filter(pk__in=wanted)
    locked = list(found.order_by("pk"))
    for machine in locked:
        roles.require_own(caller, machine)
    if len(locked) != len(wanted):
        raise NotFound("One of the virtual machines is gone.")
    return locked


def _require_whole(caller: Caller, affinity: AffinitySet) -> None:
    """Raise Conflict when the set is strict and its machines are not where they belong.

    Tenants are told which machines, not which hosts.
    """
    if not affinity.is_strict:
        return
    members = list(
        VirtualMachine.objects.filter(affinity=affinity, host__isnull=False)
        .select_related("host", "moving_to")
        .order_by("name")
    )
    if affinity.kind == AffinityKind.APART:
        _require_apart(caller, affinity, members)
    else:
        _require_together(caller, affinity, members)


def _require_apart(caller: Caller, affinity: AffinitySet, members: list[VirtualMachine]) -> None:
    there: dict[object, VirtualMachine] = {}
    for machine in members:
        for host in {machine.host, machine.moving_to} - {None}:
            other = there.setdefault(host, machine)
            if other is not machine:
                place = host if caller.is_fabric else "one host"
                raise Conflict(
                    f"{other} and {machine} are both on {place}: "
                    f"the set {affinity} is to keep them apart.",
                    advice="Move one of them first, or make the set not strict.",
                )


def _require_together(caller: Caller, affinity: AffinitySet, members: list[VirtualMachine]) -> None:
    for other, machine in pairwise(members):
        ends = [each.moving_to or each.host for each in (other, machine)]
        if ends[0] != ends[1]:
            places = ends if caller.is_fabric else ["one host", "another"]
            raise Conflict(
                f"{other} is on {places[0]} and {machine} on {places[1]}: "
                f"the set {affinity} is to keep them together.",
                advice="Move one of them first, or make the set not strict.",
            )


def _name(row: AffinitySet, keyword: str, value: str) -> str:
    cleaned = fields.name(value, "affinity set", field=keyword)
    others = AffinitySet.objects.filter(server=row.server, role=row.role, name=cleaned)
    fields.require_free(others.exclude(pk=row.pk), "affinity set", cleaned, field=keyword)
    return cleaned


_SET: dict[str, rows.Cleaner] = {
    "name": _name,
    "kind": rows.choice(AffinityKind, "kind"),
    "is_strict": rows.plain,
}
