"""How the guest of a new machine is set up: as ordered, else as its guest profile or template says.

What is secret goes from what keeps it sealed into the job's own seal, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fabric.vmm import sealed
from fabric.vmm.actions import fields
from fabric.vmm.actions.sources import Source
from fabric.vmm.actions.templates import clean_product_key
from fabric.vmm.errors import Invalid
from fabric.vmm.models import GuestProfile, LibraryFile, OSType, VirtualMachine


@dataclass(frozen=True)
class Asked:
    """What an order says of the guest's system; "" is not said."""

    user: str = ""
    password: str = field(default="", repr=False)
    product_key: str = field(default="", repr=False)
    time_zone: str = ""
    workgroup: str = ""
    domain: str = ""


@dataclass(frozen=True)
class Setup:
    """What a guest's system is given beside its computer name: nothing of it is empty."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.settings or self.secrets)


def decide(machine: VirtualMachine, source: Source, asked: Asked) -> Setup:
    """Return the set-up of a machine. No query unless a profile has an answer file or script."""
    guest = source.guest_profile
    kept = sealed.unseal(guest) if guest is not None and guest.sealed else {}
    user, password = _administrator(machine, guest, asked, kept)
    secrets = {
        "password": password,
        "product_key": _product_key(machine, source, asked, kept),
        "answer_file": _text(guest, guest.answer_file) if guest is not None else "",
        "script": _text(guest, guest.script) if guest is not None else "",
    }
    settings = {"user": user, **_place(asked, guest)}
    return Setup(
        {name: value for name, value in settings.items() if value},
        {name: value for name, value in secrets.items() if value},
    )


def _administrator(
    machine: VirtualMachine, guest: GuestProfile | None, asked: Asked, kept: Mapping[str, str]
) -> tuple[str, str]:
    """Who administers the guest, and the password: as ordered, else the guest profile's."""
    profiles = guest.admin_user if guest is not None else ""
    default = "Administrator" if machine.os_type == OSType.WINDOWS else "root"
    if asked.password:
        user = fields.text(asked.user, "The administrator", longest=104, field="local_admin_user")
        return user or profiles or default, asked.password
    password = kept.get("admin_password", "")
    return (profiles or default, password) if password else ("", "")


def _product_key(
    machine: VirtualMachine, source: Source, asked: Asked, kept: Mapping[str, str]
) -> str:
    if asked.product_key:
        if machine.os_type != OSType.WINDOWS:
            raise Invalid(
                f"The machine {machine.name} runs {machine.os_type}: only Windows has a product "
                "key.",
                field="product_key",
            )
        return clean_product_key(asked.product_key)
    if "product_key" in kept:
        return kept["product_key"]
    template = source.template
    if template is None or not template.sealed:
        return ""
    return sealed.unseal(template).get("product_key", "")


def _place(asked: Asked, guest: GuestProfile | None) -> dict[str, str]:
    """Time zone, and workgroup or domain: an order of one goes before a profile of the other."""
    time_zone = fields.text(asked.time_zone, "The time zone", longest=64, field="time_zone")
    workgroup = fields.text(asked.workgroup, "The workgroup", longest=64, field="workgroup")
    domain = fields.text(asked.domain, "The domain", longest=255, field="domain")
    if workgroup and domain:
        raise Invalid(
            f"A machine joins the domain {domain} or the workgroup {workgroup}, not both.",
            field="workgroup",
        )
    if guest is not None:
        time_zone = time_zone or guest.time_zone
        if not workgroup and not domain:
            workgroup, domain = guest.workgroup, guest.domain
    return {"time_zone": time_zone, "workgroup": workgroup, "domain": domain}


def _text(guest: GuestProfile, file: LibraryFile | None) -> str:
    if file is None:
        return ""
    if not file.is_enabled:
        raise Invalid(
            f"The guest profile {guest.name} cannot be used: the file {file.name} is not enabled."
        )
    return sealed.unseal(file).get("content", "")
