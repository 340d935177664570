"""VM templates: what machines are made of, and what those who order them may say otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, Unpack

from django.db import transaction

from fabric.vmm import computernames, roles, sealed
from fabric.vmm.actions import fields, fitting, rows
from fabric.vmm.actions.fields import UNCHANGED
from fabric.vmm.errors import Invalid
from fabric.vmm.models import (
    CapabilityProfile,
    Cloud,
    GuestProfile,
    OSType,
    Server,
    StorageClassification,
    TemplateDisk,
    VirtualHardDisk,
    VirtualMachine,
    VMTemplate,
)
from fabric.vmm.models.template import may_change_all
from fabric.vmm.roles import Caller
from fabric.vmm.states import UNFINISHED

MOST_ADAPTERS = 8
MOST_DATA_DISKS = 63
LARGEST_GB = 65_536
_PRODUCT_KEY = re.compile(r"[A-Za-z0-9]{5}(-[A-Za-z0-9]{5}){4}")


class DataDisk(TypedDict, total=False):
    """A disk beside the first: a copy of `disk`, or an empty one of `size_gb`."""

    disk: VirtualHardDisk | None
    size_gb: int | None
    classification: StorageClassification | None
    name: str


class Details(TypedDict, total=False):
    """What else a template says; the operating system is the disk's unless said."""

    os_type: str
    os_name: str
    generation: int
    adapters: int
    cloud: Cloud | None
    capability_profile: CapabilityProfile | None
    classification: StorageClassification | None
    guest_profile: GuestProfile | None
    computer_name_pattern: str
    tenant_may_change: Iterable[str]
    tags: Iterable[str]
    quota_point: int
    is_dynamic_memory: bool
    is_highly_available: bool
    is_enabled: bool
    description: str


class Changes(Details, total=False):
    name: str
    disk: VirtualHardDisk
    cores: int
    memory_mb: int


def _may_change(row: Any, keyword: str, value: Iterable[str]) -> list[str]:
    wanted, known = set(value), may_change_all()
    for word in sorted(wanted - set(known)):
        raise Invalid(
            f"{word!r} is nothing that a template leaves open: it is one of {', '.join(known)}.",
            field=keyword,
        )
    return sorted(wanted)


def _tags(row: Any, keyword: str, value: Iterable[str]) -> list[str]:
    cleaned = [fields.text(tag, "A tag", longest=64, field=keyword) for tag in value]
    return sorted({tag for tag in cleaned if tag})


_TEMPLATE = {
    "name": rows.name("template", longest=100),
    "disk": rows.of_server("virtual hard disk"),
    "os_type": rows.choice(OSType, "kind of operating system"),
    "os_name": rows.words("The operating system", longest=200),
    "cores": rows.cores,
    "memory_mb": rows.memory_mb,
    "generation": rows.count("The generation", most=2),
    "adapters": rows.count("The number of adapters", least=0, most=MOST_ADAPTERS),
    "cloud": rows.of_server("cloud"),
    "capability_profile": rows.of_server("capability profile"),
    "classification": rows.of_server("storage classification"),
    "guest_profile": rows.of_server("guest profile"),
    "computer_name_pattern": rows.plain,
    "tenant_may_change": _may_change,
    "tags": _tags,
    "quota_point": rows.count("The number of points", least=0),
    "is_dynamic_memory": rows.plain,
    "is_highly_available": rows.plain,
    "is_enabled": rows.plain,
    "description": rows.prose,
}


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    name: str,
    disk: VirtualHardDisk,
    cores: int,
    memory_mb: int,
    data_disks: Sequence[DataDisk] = (),
    product_key: str | None = None,
    **details: Unpack[Details],
) -> VMTemplate:
    """Add a template over a disk that holds an operating system."""
    roles.require_fabric(caller)
    values = {
        "os_type": disk.os_type,
        **details,
        "name": name,
        "disk": disk,
        "cores": cores,
        "memory_mb": memory_mb,
    }
    return _write(VMTemplate(server=server), values, list(data_disks), product_key)


@transaction.atomic
def change(
    caller: Caller,
    row: VMTemplate,
    *,
    data_disks: Sequence[DataDisk] = UNCHANGED,
    product_key: str | None = "",
    **changes: Unpack[Changes],
) -> VMTemplate:
    """Change a template; machines made of it stay as they are.

    `data_disks` replaces all of them. The product key stays when "", and is forgotten when None.
    """
    roles.require_fabric(caller)
    return _write(rows.held(row), dict(changes), data_disks, product_key)


@transaction.atomic
def remove(caller: Caller, row: VMTemplate) -> None:
    """Remove a template of which no machine is being made; machines made of it stay."""
    roles.require_fabric(caller)
    unfinished = VirtualMachine.objects.filter(template=row, status__in=UNFINISHED)
    rows.remove(row, "template", ("machines under creation", unfinished.order_by("name")))


def _write(
    template: VMTemplate, values: dict[str, Any], data_disks: Any, product_key: str | None
) -> VMTemplate:
    rows.assign(template, values, _TEMPLATE)
    template.os_name = template.os_name or template.disk.os_name
    template.computer_name_pattern = computernames.require_pattern(
        template.computer_name_pattern, template.os_type
    )
    if data_disks is UNCHANGED:
        parts = list(template.data_disks.select_related("disk", "classification"))
    else:
        parts = [_part(template, lun, item) for lun, item in enumerate(data_disks, 1)]
    fitting.require_sense(template, parts)
    template.sealed = _sealed(template, product_key)
    rows.save(template)
    if data_disks is not UNCHANGED:
        template.data_disks.all().delete()
        TemplateDisk.objects.bulk_create(parts)
    return template


def _part(template: VMTemplate, lun: int, item: DataDisk) -> TemplateDisk:
    """The row of a data disk: named and as large as what it copies unless said otherwise."""
    source, kind = item.get("disk"), item.get("classification")
    fields.require_server(template.server, [source], "virtual hard disk", field="data_disks")
    fields.require_server(template.server, [kind], "storage classification", field="data_disks")
    name = item.get("name") or (source.name if source else f"data-{lun}")
    size_gb = item.get("size_gb") or (source.size_gb if source else None)
    if lun > MOST_DATA_DISKS:
        raise Invalid(
            f"The template {template.name} has more than {MOST_DATA_DISKS} data disks.",
            field="data_disks",
        )
    return TemplateDisk(
        template=template,
        lun=lun,
        disk=source,
        classification=kind,
        name=fields.name(name, "data disk", longest=100, field="data_disks"),
        size_gb=fields.whole(
            size_gb, f"The size of disk {name} in GB", most=LARGEST_GB, field="data_disks"
        ),
    )


def _sealed(template: VMTemplate, product_key: str | None) -> str:
    if not product_key:
        if product_key is None and template.sealed:
            return ""
        return template.sealed
    if template.os_type != OSType.WINDOWS:
        raise Invalid(
            f"The template {template.name} is for {template.os_type}: only Windows has a product "
            "key.",
            field="product_key",
        )
    return sealed.seal(template, {"product_key": clean_product_key(product_key)})


def clean_product_key(value: str) -> str:
    """Return the key in capitals; Invalid, not telling it, when it is none."""
    if not _PRODUCT_KEY.fullmatch(value.strip()):
        raise Invalid(
            "A product key is five groups of five letters and digits.", field="product_key"
        )
    return value.strip().upper()
