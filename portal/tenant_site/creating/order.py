"""From a draft to the order an action takes, and to the call that would do the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from django.utils.translation import gettext as _

from fabric.models import Template
from fabric.orders import Guest, NewMachine
from portal.tenant_site.creating.wizard import Wizard
from portal.tenant_site.forms.creating.disks import DisksForm
from portal.tenant_site.forms.creating.identity import IdentityForm
from portal.tenant_site.forms.creating.networks import NetworksForm
from portal.tenant_site.forms.creating.size import SizeForm

KEY = "$KATAL_API_KEY"


@dataclass(frozen=True)
class Wanted:
    """What the person asks for: one machine, or several alike whose names a pattern makes."""

    order: NewMachine
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.names)

    @property
    def is_many(self) -> bool:
        return "#" in self.order.name


def wanted(wizard: Wizard) -> Wanted:
    """Return the order of a draft whose steps are all well."""
    forms = wizard.all_filled
    size = cast(SizeForm, forms["size"])
    identity = cast(IdentityForm, forms["identity"])
    options = forms["options"].cleaned_data
    own = size.wanted() if size.is_own else (None, None)
    order = NewMachine(
        name=identity.cleaned_data["name"],
        template=cast(Template, wizard.template),
        guest=identity.guest(),
        hardware_profile=size.profile,
        cores=own[0],
        memory_mb=own[1],
        description=identity.cleaned_data["description"],
        adapters=cast(NetworksForm, forms["networks"]).adapters(),
        disks=cast(DisksForm, forms["disks"]).disks(),
        tags=options["tags"],
        ends_at=options["ends_at"],
        end_action=options["end_action"],
        is_protected=options["is_protected"],
    )
    return Wanted(order, tuple(identity.names()))


def effect(wizard: Wizard) -> dict[str, int]:
    """Return what is wanted of the quota as far as is known, by the ledger's names."""
    template = wizard.template
    if template is None:
        return {}
    count, cores, memory_mb = 1, template.cores, template.memory_mb
    storage_gb = template.storage_gb
    size, disks = wizard.filled("size"), wizard.filled("disks")
    if size.is_valid():
        cores, memory_mb = cast(SizeForm, size).wanted()
    if disks.is_valid():
        storage_gb += sum(disk.size_gb for disk in cast(DisksForm, disks).disks())
    identity = wizard.filled("identity")
    if "count" not in identity.errors:
        count = identity.cleaned_data.get("count", 1)
    alike = {"machines": 1, "cores": cores, "memory_mb": memory_mb, "storage_gb": storage_gb}
    return {resource: amount * count for resource, amount in alike.items()}


def body_of(wizard: Wizard, asked: Wanted) -> dict[str, Any]:
    """Return what the REST interface takes for the same; secrets are left to be filled in."""
    order = asked.order
    named = {"pattern": order.name, "count": asked.count} if asked.is_many else {"name": order.name}
    body: dict[str, Any] = {
        "subscription": str(wizard.offer.subscription.pk),
        **named,
        "template": str(order.template.pk),
        "hardware_profile": str(order.hardware_profile.pk) if order.hardware_profile else None,
        "cores": order.cores,
        "memory_mb": order.memory_mb,
        "description": order.description,
        "adapters": [
            _said({"network": str(each.network.pk), "address": each.address})
            for each in order.adapters
        ],
        "disks": [_said({"size_gb": each.size_gb, "name": each.name}) for each in order.disks],
        "tags": list(order.tags),
        "is_protected": order.is_protected,
        "guest": _guest(order.guest),
    }
    if order.ends_at is not None:
        body |= {"ends_at": order.ends_at.isoformat(), "end_action": order.end_action}
    return _said(body)


def _guest(guest: Guest) -> dict[str, Any]:
    join = guest.domain_join
    return _said(
        {
            "computer_name": guest.computer_name,
            "admin_user": guest.admin_user,
            "password": _secret(guest.password, _("the password")),
            "ssh_keys": list(guest.ssh_keys),
            "product_key": _secret(guest.product_key, _("the product key")),
            "time_zone": guest.time_zone,
            "workgroup": guest.workgroup,
            "domain_join": {
                "domain": join.domain,
                "account_domain": join.account_domain,
                "user": join.user,
                "password": _secret(join.password, _("the account's password")),
                **({"ou": join.ou} if join.ou else {}),
            }
            if join
            else None,
            "user_data": _secret(guest.user_data, _("the user data")),
        }
    )


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not said."""
    return {name: value for name, value in values.items() if value not in (None, "", [], False)}


def _secret(secret: str, name: str) -> str:
    return f"<{name}>" if secret else ""


def as_call(wizard: Wizard, asked: Wanted, site: str) -> str:
    """Return a curl command that orders the same; the draft's id makes it safe to repeat."""
    path = "machines/several/" if asked.is_many else "machines/"
    body = json.dumps(body_of(wizard, asked), indent=2, ensure_ascii=False).replace("'", "'\\''")
    return "\n".join(
        (
            f"curl -X POST {site}/api/v1/{path} \\",
            f'  -H "Authorization: Bearer {KEY}" \\',
            '  -H "Content-Type: application/json" \\',
            f'  -H "Idempotency-Key: {wizard.draft.pk}" \\',
            f"  -d '{body}'",
        )
    )
