"""Hardware profiles (sizes that have a name) and guest operating-system profiles."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from django.db import transaction

from fabric.vmm import capability, computernames, roles, sealed
from fabric.vmm.actions import fields, fitting, rows
from fabric.vmm.actions.templates import clean_product_key
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import (
    CapabilityProfile,
    FileKind,
    GuestProfile,
    HardwareProfile,
    LibraryFile,
    OSType,
    Server,
)
from fabric.vmm.roles import Caller


class HardwareDetails(TypedDict, total=False):
    generation: int
    capability_profile: CapabilityProfile | None
    is_dynamic_memory: bool
    is_highly_available: bool
    description: str


class HardwareChanges(HardwareDetails, total=False):
    name: str
    cores: int
    memory_mb: int


class GuestDetails(TypedDict, total=False):
    answer_file: LibraryFile | None
    script: LibraryFile | None
    computer_name_pattern: str
    admin_user: str
    time_zone: str
    workgroup: str
    domain: str
    description: str


class GuestChanges(GuestDetails, total=False):
    name: str
    os_type: str


_HARDWARE = {
    "name": rows.name("hardware profile", longest=100),
    "cores": rows.cores,
    "memory_mb": rows.memory_mb,
    "generation": rows.count("The generation", most=2),
    "capability_profile": rows.of_server("capability profile"),
    "is_dynamic_memory": rows.plain,
    "is_highly_available": rows.plain,
    "description": rows.prose,
}
_GUEST = {
    "name": rows.name("guest profile", longest=100),
    "os_type": rows.choice(OSType, "kind of operating system"),
    "answer_file": rows.of_server("answer file"),
    "script": rows.of_server("script"),
    "computer_name_pattern": rows.plain,
    "admin_user": rows.words("The administrator", longest=104),
    "time_zone": rows.words("The time zone", longest=64),
    "workgroup": rows.words("The workgroup", longest=64),
    "domain": rows.words("The domain"),
    "description": rows.prose,
}


@transaction.atomic
def add_hardware(
    caller: Caller,
    server: Server,
    *,
    name: str,
    cores: int,
    memory_mb: int,
    **details: Unpack[HardwareDetails],
) -> HardwareProfile:
    """Add a hardware profile."""
    roles.require_fabric(caller)
    values = {**details, "name": name, "cores": cores, "memory_mb": memory_mb}
    return _write_hardware(HardwareProfile(server=server), values)


@transaction.atomic
def change_hardware(
    caller: Caller, row: HardwareProfile, **changes: Unpack[HardwareChanges]
) -> HardwareProfile:
    """Change a hardware profile; machines made with it stay as they are."""
    roles.require_fabric(caller)
    return _write_hardware(rows.held(row), dict(changes))


@transaction.atomic
def remove_hardware(caller: Caller, row: HardwareProfile) -> None:
    """Remove a hardware profile; machines made with it stay as they are."""
    roles.require_fabric(caller)
    rows.remove(row, "hardware profile")


@transaction.atomic
def add_guest(
    caller: Caller,
    server: Server,
    *,
    name: str,
    os_type: str,
    product_key: str | None = None,
    admin_password: str | None = None,
    **details: Unpack[GuestDetails],
) -> GuestProfile:
    """Add a guest operating-system profile."""
    roles.require_fabric(caller)
    values = {**details, "name": name, "os_type": os_type}
    return _write_guest(GuestProfile(server=server), values, product_key, admin_password)


@transaction.atomic
def change_guest(
    caller: Caller,
    row: GuestProfile,
    *,
    product_key: str | None = "",
    admin_password: str | None = "",
    **changes: Unpack[GuestChanges],
) -> GuestProfile:
    """Change a guest profile; what is sealed stays when "", and is forgotten when None."""
    roles.require_fabric(caller)
    return _write_guest(rows.held(row), dict(changes), product_key, admin_password)


@transaction.atomic
def remove_guest(caller: Caller, row: GuestProfile) -> None:
    """Remove a guest profile that no template has."""
    roles.require_fabric(caller)
    rows.remove(row, "guest profile", ("templates", row.templates.order_by("name")))


def _write_hardware(profile: HardwareProfile, values: dict[str, Any]) -> HardwareProfile:
    rows.assign(profile, values, _HARDWARE)
    if profile.capability_profile is not None:
        capability.require_fits(
            fitting.shape_of_profile(profile),
            [profile.capability_profile],
            what=f"The hardware profile {profile.name}",
        )
    return rows.save(profile)


def _write_guest(
    profile: GuestProfile,
    values: dict[str, Any],
    product_key: str | None,
    admin_password: str | None,
) -> GuestProfile:
    rows.assign(profile, values, _GUEST)
    profile.computer_name_pattern = computernames.require_pattern(
        profile.computer_name_pattern, profile.os_type
    )
    if profile.domain and profile.workgroup:
        raise Invalid(
            f"The guest profile {profile.name} joins the domain {profile.domain} or the workgroup "
            f"{profile.workgroup}, not both.",
            field="workgroup",
        )
    _require_file(profile, profile.answer_file, FileKind.ANSWER_FILE, "answer_file")
    _require_file(profile, profile.script, FileKind.SCRIPT, "script")
    _require_templates_fit(profile)
    if product_key:
        product_key = clean_product_key(product_key)
        if profile.os_type != OSType.WINDOWS:
            raise Invalid(
                f"The guest profile {profile.name} is for {profile.os_type}: only Windows has a "
                "product key.",
                field="product_key",
            )
    profile.sealed = sealed.sealed_over(
        profile, product_key=product_key, admin_password=admin_password
    )
    return rows.save(profile)


def _require_file(profile: GuestProfile, file: LibraryFile | None, kind: str, field: str) -> None:
    if file is None:
        return
    what = FileKind(kind).label.lower()
    if file.kind != kind:
        label = FileKind(file.kind).label
        raise Invalid(
            f"The file {file.name} is no {what}: its kind is {label}.",
            field=field,
        )
    if file.os_type not in (OSType.OTHER, profile.os_type):
        raise Invalid(
            f"The guest profile {profile.name} is for {profile.os_type}; the {what} {file.name} "
            f"is for {file.os_type}.",
            field=field,
        )


def _require_templates_fit(profile: GuestProfile) -> None:
    others = profile.templates.exclude(os_type=profile.os_type).order_by("name")
    found = list(others.values_list("name", flat=True))
    if found:
        raise Conflict(
            f"The guest profile {profile.name} would be for {profile.os_type}; the templates "
            f"{fields.named(found)} of it are not.",
            field="os_type",
        )
