"""A new machine as bodies describe it, and the order it becomes."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from fabric.models import HardwareProfile, Network, Offering, Template
from fabric.models.machine import EndAction
from fabric.orders import DomainJoin, Guest, NewAdapter, NewDisk, NewMachine
from plans.models import Subscription
from portal.api.frame.caller import Caller
from portal.api.frame.fields import Flag, Given, Id, Many, Moment, OneOf, Text, Whole, invalid
from portal.api.frame.refusals import pointer_of
from tenants.errors import Refused

MOST_AT_ONCE = 100


class DomainJoinGiven(Given):
    """A domain to join while it is set up; for Windows."""

    domain = Text(max_length=255)
    account_domain = Text(max_length=255)
    user = Text(max_length=255)
    password = Text(max_length=255, trim_whitespace=False, write_only=True)
    ou = Text(required=False, default="", allow_blank=True, max_length=2000)


class GuestGiven(Given):
    """Who the guest is. What is not given is the template's, or none."""

    computer_name = Text(required=False, default="", allow_blank=True, max_length=63)
    admin_user = Text(required=False, default="", allow_blank=True, max_length=64)
    password = Text(
        required=False, default="", allow_blank=True, max_length=255, trim_whitespace=False
    )
    ssh_keys = Many(required=False, default=list, child=Text(max_length=8000), max_length=20)
    product_key = Text(required=False, default="", allow_blank=True, max_length=40)
    time_zone = Text(required=False, default="", allow_blank=True, max_length=100)
    workgroup = Text(required=False, default="", allow_blank=True, max_length=40)
    domain_join = DomainJoinGiven(required=False, allow_null=True, default=None)
    user_data = Text(
        required=False, default="", allow_blank=True, max_length=65536, trim_whitespace=False
    )


class AdapterGiven(Given):
    """A network to be on; without an address the network's pool gives one."""

    network = Id()
    address = Text(required=False, default="", allow_blank=True, max_length=45)


class DiskGiven(Given):
    """An empty disk beside the template's own."""

    size_gb = Whole(min_value=1)
    name = Text(required=False, default="", allow_blank=True, max_length=64)


class MachineGiven(Given):
    """What one machine, or several alike, shall be."""

    subscription = Id()
    template = Id()
    hardware_profile = Id(required=False, allow_null=True, default=None)
    cores = Whole(required=False, allow_null=True, default=None, min_value=1)
    memory_mb = Whole(required=False, allow_null=True, default=None, min_value=1)
    description = Text(required=False, default="", allow_blank=True, max_length=2000)
    adapters = Many(required=False, default=list, child=AdapterGiven(), max_length=8)
    disks = Many(required=False, default=list, child=DiskGiven(), max_length=16)
    tags = Many(required=False, default=list, child=Text(max_length=40), max_length=20)
    ends_at = Moment(required=False, allow_null=True, default=None)
    end_action = OneOf(required=False, default="stop", choices=list(EndAction.values))
    is_protected = Flag(required=False, default=False)
    guest = GuestGiven(required=False)


class NewMachineGiven(MachineGiven):
    name = Text(max_length=63)


class NewMachinesGiven(MachineGiven):
    pattern = Text(max_length=63, help_text="web## makes web01, web02 and so on.")
    count = Whole(min_value=1, max_value=MOST_AT_ONCE)
    first = Whole(required=False, default=1, max_value=99_999, help_text="The first number.")


class PreflightGiven(MachineGiven):
    name = Text(max_length=63, help_text="Or the pattern, for several.")
    count = Whole(required=False, default=1, min_value=1, max_value=MOST_AT_ONCE)


EXAMPLE = {
    "subscription": "5b6f8a51-6a0e-4d0e-9d0b-4d2f3c3b7a10",
    "template": "0f2f6a7e-2f7f-4f0b-8d55-1f0f0a6f2b11",
    "cores": 2,
    "memory_mb": 4096,
    "adapters": [{"network": "7a1d0c7e-50a5-4c55-9d4b-63f0a0b1c2d3"}],
    "disks": [{"size_gb": 40, "name": "data"}],
    "tags": ["shop"],
    "guest": {"admin_user": "root", "ssh_keys": ["ssh-ed25519 AAAA… me@example.net"]},
}


def subscription_of(caller: Caller, given: Mapping[str, Any]) -> Subscription:
    """Return the subscription a body names, one of the caller's."""
    rows = caller.subscriptions().select_related("tenant", "plan")
    found = rows.filter(pk=given["subscription"]).first()
    if found is None:
        detail = _("You have no such subscription.")
        raise invalid([{"pointer": "#/subscription", "detail": detail}])
    return found


def order_of(subscription: Subscription, given: Mapping[str, Any], name: str) -> NewMachine:
    """Return the order a body stands for; what it names must be the plan's. Three queries."""
    things = _Things(subscription, given)
    return NewMachine(
        name=name,
        template=things.template,
        guest=guest_of(given.get("guest") or {}),
        hardware_profile=things.profile,
        cores=given["cores"],
        memory_mb=given["memory_mb"],
        description=given["description"],
        adapters=tuple(
            NewAdapter(things.networks[one["network"]], one["address"]) for one in given["adapters"]
        ),
        disks=tuple(NewDisk(one["size_gb"], one["name"]) for one in given["disks"]),
        tags=tuple(given["tags"]),
        ends_at=given["ends_at"],
        end_action=given["end_action"],
        is_protected=given["is_protected"],
    )


def guest_of(given: Mapping[str, Any]) -> Guest:
    """Return the guest a body describes."""
    values = dict(given)
    join = values.pop("domain_join", None)
    values["ssh_keys"] = tuple(values.get("ssh_keys", ()))
    return Guest(**values, domain_join=DomainJoin(**join) if join else None)


# Where a refusal of an action points to: its field, as the body spells it.
POINTERS = {
    **{name: f"guest/{name}" for name in GuestGiven().fields if name != "domain_join"},
    "domain": "guest/domain_join/domain",
    "account_domain": "guest/domain_join/account_domain",
    "domain_user": "guest/domain_join/user",
    "domain_password": "guest/domain_join/password",
    "ou": "guest/domain_join/ou",
    "network": "adapters",
    "address": "adapters",
}


def pointer_to(field: str) -> str:
    """Return where the body of an order has what an action calls by this name."""
    return pointer_of(POINTERS.get(field, field))


@contextmanager
def pointing(**more: str) -> Iterator[None]:
    """Spell the field of a refusal of what is done inside as the body does."""
    try:
        yield
    except Refused as refused:
        refused.field = (POINTERS | more).get(refused.field or "", refused.field)
        raise


class _Things:
    """The rows a body names by id: those of the plan, else the field is at fault."""

    def __init__(self, subscription: Subscription, given: Mapping[str, Any]) -> None:
        self.plan_id = subscription.plan_id
        networks = [one["network"] for one in given["adapters"]]
        templates = self.rows(Template, "templates", [given["template"]])
        self.networks: dict[uuid.UUID, Network] = self.rows(Network, "networks", networks)
        wanted = given["hardware_profile"]
        profiles = self.rows(HardwareProfile, "hardware_profiles", [wanted] if wanted else [])
        errors = []
        if given["template"] not in templates:
            errors.append(_no("#/template", _("Your plan holds no such template.")))
        if wanted and wanted not in profiles:
            errors.append(_no("#/hardware_profile", _("Your plan holds no such size.")))
        errors += [
            _no(f"#/adapters/{index}/network", _("Your plan holds no such network."))
            for index, pk in enumerate(networks)
            if pk not in self.networks
        ]
        if errors:
            raise invalid(errors)
        self.template: Template = templates[given["template"]]
        self.profile: HardwareProfile | None = profiles.get(wanted)

    def rows(self, model: Any, held_by: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
        if not ids:
            return {}
        holds = Offering.objects.filter(plan=self.plan_id, **{held_by: OuterRef("pk")})
        found = model.objects.present().filter(Exists(holds), pk__in=ids)
        return {row.pk: row for row in found}


def _no(pointer: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "detail": detail}
