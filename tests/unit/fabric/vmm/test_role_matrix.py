"""Every action of VMM as each of the five roles: a new action without a rule here fails.

Actions are found by walking the modules and called with rows and values made up from their types,
so whoever may not act must be refused before anything else is looked at.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.db import models, transaction
from django.utils import timezone

from fabric.vmm import actions
from fabric.vmm.actions.adapters import NewAdapter
from fabric.vmm.errors import Denied, NotFound
from fabric.vmm.models import (
    AffinitySet,
    CapabilityProfile,
    Checkpoint,
    Drift,
    DVDDrive,
    Job,
    LoadBalancer,
    MACPool,
    NetworkSite,
    RoleProfile,
    StorageClassification,
    VIPTemplate,
)
from fabric.vmm.roles import PERMISSIONS, Caller, Grant, ScopeLimits
from tests.factories.vmm import ADMINISTRATOR, Fabric, deploy, make_iso, make_role, make_share

ADMINISTRATORS = {RoleProfile.ADMINISTRATOR}
FABRIC = {RoleProfile.ADMINISTRATOR, RoleProfile.DELEGATED}
# Tenants with the permission; the application administrator here has none at all.
PERMITTED = {*FABRIC, RoleProfile.TENANT_ADMIN}

# Who may call what is in a module, or one function of it. Nobody else may, and nobody who reads
# only may anything.
RULES = {
    "accounts": FABRIC,
    "adapters": PERMITTED,
    "affinity": PERMITTED,
    "balancers": FABRIC,
    "capability": FABRIC,
    "checkpoints": PERMITTED,
    "clones": PERMITTED,
    "clouds": FABRIC,
    "creation": PERMITTED,
    "disks": PERMITTED,
    "drift": FABRIC,
    "grants": PERMITTED,
    "groups": FABRIC,
    "hosts": FABRIC,
    "jobs": PERMITTED,
    "library": FABRIC,
    "machines": PERMITTED,
    "macs": FABRIC,
    "media": PERMITTED,
    "moves": PERMITTED,
    "networks": PERMITTED,
    "networks.add_logical": FABRIC,
    "networks.change_logical": FABRIC,
    "networks.remove_logical": FABRIC,
    "owners": PERMITTED,
    "pools": PERMITTED,
    "profiles": FABRIC,
    "rebuilding": PERMITTED,
    "servers": FABRIC,
    "sites": FABRIC,
    "storage": FABRIC,
    "storing": PERMITTED,
    "subnets": PERMITTED,
    "templates": FABRIC,
    "trials": FABRIC,
    "userroles": ADMINISTRATORS,
    "volumes": FABRIC,
}
# Called by actions that have asked already, or that only look.
INNER = {
    "adapters.add",
    "adapters.find_networks",
    "adoption.adopt",
    "held",
    "jobs.begin",
    "jobs.record",
    "moves.begin",
    "networks.may_receive",
    "repairs",
    "sources.find",
}


def found() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of the actions whose first argument is the caller."""
    for module in pkgutil.iter_modules(actions.__path__):
        loaded = importlib.import_module(f"{actions.__name__}.{module.name}")
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            inner = inspect.unwrap(function)
            first = next(iter(inspect.signature(inner).parameters), "")
            if inner.__module__ == loaded.__name__ and first == "caller" and name[0] != "_":
                yield f"{module.name}.{name}", function


ACTIONS = dict(found())


def rule(name: str) -> set[Any] | None:
    """Return who may call the action; None when no rule says so."""
    return RULES.get(name, RULES.get(module_of(name)))


def module_of(name: str) -> str:
    return name.partition(".")[0]


def is_inner(name: str) -> bool:
    return not INNER.isdisjoint({name, module_of(name)})


def test_every_action_has_a_rule_and_every_rule_an_action():
    assert {name for name in ACTIONS if rule(name) is None and not is_inner(name)} == set()
    assert {*RULES, *INNER} - {*ACTIONS, *map(module_of, ACTIONS)} == set()


@pytest.fixture
def callers(fabric) -> dict[str, Caller]:
    """Return somebody of each profile, all with machines in sight."""
    tenant = make_role(fabric)
    add = actions.userroles.add
    inside = add(
        ADMINISTRATOR,
        name="Shop",
        profile=RoleProfile.SELF_SERVICE,
        parent=tenant,
        scopes=[ScopeLimits(fabric.cloud.pk)],
    )
    made = {
        profile: add(ADMINISTRATOR, name=profile, profile=profile, permissions=PERMISSIONS)
        for profile in (RoleProfile.ADMINISTRATOR, RoleProfile.DELEGATED, RoleProfile.READ_ONLY)
    } | {RoleProfile.TENANT_ADMIN: tenant, RoleProfile.SELF_SERVICE: inside}
    return {profile: Caller(role=role, principal="x") for profile, role in made.items()}


@pytest.mark.slow
@pytest.mark.parametrize("profile", RoleProfile.values)
def test_only_who_may_gets_in(fabric, callers, profile):
    caller = callers[profile]
    samples = Samples(fabric, caller)
    wrong = []
    for name, action in ACTIONS.items():
        if is_inner(name):
            continue
        may = profile in (rule(name) or ())
        refusal = outcome(action, caller, samples)
        if may != (not isinstance(refusal, Denied | NotFound)):
            wrong.append(f"{name}: {refusal!r}")
    assert wrong == [], "\n".join(wrong)


def outcome(action: Callable[..., Any], caller: Caller, samples: Samples) -> Exception | None:
    """Call the action and take everything back; return what it raised."""
    hints = typing.get_type_hints(inspect.unwrap(action))
    parameters = list(inspect.signature(inspect.unwrap(action)).parameters.values())[1:]
    rows, named = [], {}
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind is not parameter.KEYWORD_ONLY:
            rows.append(samples.value(parameter.name, hints[parameter.name]))
        elif parameter.default is parameter.empty or parameter.name in ALWAYS:
            named[parameter.name] = samples.value(parameter.name, hints[parameter.name])
    try:
        with transaction.atomic():
            action(caller, *rows, **named)
            raise Undone
    except Undone:
        return None
    except Exception as error:  # noqa: BLE001 - what is not a refusal is the action's own matter
        return error


class Undone(Exception):
    """Takes back what an action did."""


# Given although they are optional: without them there is nothing to ask.
ALWAYS = {"template_id", "network"}
TEXTS = {"operation": "Stop", "cidr": "10.99.0.0/24", "first": "10.20.0.9", "last": "10.20.0.10"}


class Samples:
    """A row of each kind, those of machines owned by the caller where it owns any."""

    def __init__(self, fabric: Fabric, caller: Caller) -> None:
        server, cloud = fabric.server, fabric.cloud
        self.ids = {"cloud_id": cloud.pk, "template_id": fabric.template.pk}
        machine = deploy(fabric, ADMINISTRATOR, owner_role=caller.tenant_role)
        share = make_share(fabric)
        iso = make_iso(fabric, share)
        keep = actions.profiles
        kept = {"cores": 1, "memory_mb": 512}
        checkpoint = {"cores": 1, "memory_mb": 512, "is_complete": True}
        site = NetworkSite.objects.create(
            logical_network=fabric.network.logical_network, name="Site"
        )
        logical = fabric.network.logical_network
        # What tenants make networks on, and a network of the caller's own.
        type(logical).objects.update(is_virtualized=True)
        type(fabric.network).objects.update(owner=caller.tenant_role)
        logical.refresh_from_db()
        fabric.network.refresh_from_db()
        receiver = make_role(fabric, "receiver")
        rows = (
            *(server, cloud, machine, share, share.library_server, iso, fabric.template, logical),
            *(fabric.network, fabric.network.pools.get(), fabric.network.subnets.get(), site),
            *(fabric.template.disk, machine.host, machine.host.group, receiver),
            *(machine.host.volumes.get(), machine.disks.get(), machine.adapters.get()),
            DVDDrive.objects.create(machine=machine, iso=iso),
            Checkpoint.objects.create(machine=machine, name="c", **checkpoint),
            AffinitySet.objects.create(server=server, role=caller.tenant_role, name="Apart"),
            StorageClassification.objects.create(server=server, name="Fast"),
            CapabilityProfile.objects.create(server=server, name="Small"),
            LoadBalancer.objects.create(server=server, name="LB", address="192.0.2.1"),
            VIPTemplate.objects.create(server=server, name="HTTPS", port=443),
            MACPool.objects.create(server=server, name="MACs", first=1, last=9, cursor=1),
            keep.add_hardware(ADMINISTRATOR, server, name="Small", **kept),
            keep.add_guest(ADMINISTRATOR, server, name="Linux", os_type="Linux"),
            actions.accounts.add(ADMINISTRATOR, server, name="a", username="a", password="a"),
            Drift.objects.create(
                server=server,
                host=machine.host,
                machine=machine,
                kind="missing",
                object_id=machine.pk,
                seen_at=timezone.now(),
            ),
            Job.objects.get(subject=machine.pk),
        )
        self.rows = {type(row): row for row in rows}

    def value(self, name: str, hint: Any) -> Any:
        """Return a value of the type; KeyError when there is no sample row of it yet."""
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint = next(each for each in typing.get_args(hint) if each is not type(None))
        if isinstance(hint, type) and issubclass(hint, models.Model):
            return self.rows[hint]
        if hint is uuid.UUID:
            return self.ids.get(name, uuid.uuid4())
        if hint is str:
            return TEXTS.get(name, "sample")
        if hint is NewAdapter:
            return NewAdapter()
        if hint is Grant:
            return Grant("VMTemplate", self.ids["template_id"])
        if isinstance(typing.get_origin(hint), type) and issubclass(
            typing.get_origin(hint), Iterable
        ):
            return [self.rows[each] for each in typing.get_args(hint) if each in self.rows]
        return {bool: True, int: 1}[hint]
