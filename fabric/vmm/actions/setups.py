"""How a machine's guest is set up: as ordered, else as its guest profile or template says.

What is secret goes from what keeps it sealed into the job's own seal, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fabric.vmm import answerfile, sealed, sshkeys
from fabric.vmm.actions import fields, joins
from fabric.vmm.actions.sources import Source
from fabric.vmm.actions.templates import clean_product_key
from fabric.vmm.errors import Invalid
from fabric.vmm.models import GuestProfile, LibraryFile, OSType, VirtualMachine

# As much as clouds take that speak to cloud-init.
MOST_USER_DATA = 65_536


@dataclass(frozen=True)
class Asked:
    """What an order says of the guest's system; "" is not said.

    `ssh_keys` are lines. With `domain_user` and `domain_password` a machine joins its domain, in
    the organisational unit `domain_unit`. `user_data` is a script, or what cloud-init reads.
    """

    local_admin_user: str = ""
    local_admin_password: str = field(default="", repr=False)
    product_key: str = field(default="", repr=False)
    time_zone: str = ""
    workgroup: str = ""
    domain: str = ""
    domain_user: str = ""
    domain_password: str = field(default="", repr=False)
    domain_unit: str = ""
    ssh_keys: str = ""
    user_data: str = field(default="", repr=False)

    @property
    def lets_in(self) -> bool:
        """Tell whether it says who gets into the guest, which takes AllowLocalAdmin."""
        return bool(self.local_admin_password or self.ssh_keys.strip() or self.user_data)


@dataclass(frozen=True)
class Setup:
    """What a guest's system is given beside its computer name: nothing of it is empty."""

    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.settings or self.secrets)


def decide(machine: VirtualMachine, source: Source, asked: Asked) -> Setup:
    """Return the set-up of a machine. No query unless a profile has an answer file or script."""
    guest = source.guest_profile
    kept = sealed.unseal(guest) if guest is not None and guest.sealed else {}
    user, password = _administrator(machine, guest, asked, kept)
    keys = _ssh_keys(machine, asked)
    if keys and not user:
        user = _named(asked) or _default_user(machine, guest)
    place = _place(asked, guest)
    secrets = {
        "password": password,
        "product_key": _product_key(machine, source, asked, kept),
        "answer_file": _answer_file(machine, guest, asked, place["domain"]),
        "script": _text(guest, guest.script) if guest is not None else "",
        "user_data": _user_data(asked),
    }
    settings = {"user": user, "ssh_keys": keys, **place}
    return Setup(
        {name: value for name, value in settings.items() if value},
        {name: value for name, value in secrets.items() if value},
    )


def _administrator(
    machine: VirtualMachine, guest: GuestProfile | None, asked: Asked, kept: Mapping[str, str]
) -> tuple[str, str]:
    """Who administers the guest, and the password: as ordered, else the guest profile's."""
    default = _default_user(machine, guest)
    if asked.local_admin_password:
        return _named(asked) or default, asked.local_admin_password
    password = kept.get("admin_password", "")
    return (default, password) if password else ("", "")


def _named(asked: Asked) -> str:
    user = asked.local_admin_user
    return fields.text(user, "The administrator", longest=104, field="local_admin_user")


def _default_user(machine: VirtualMachine, guest: GuestProfile | None) -> str:
    """The guest profile's administrator, else the one that every such system has."""
    profiles = guest.admin_user if guest is not None else ""
    return profiles or ("Administrator" if machine.os_type == OSType.WINDOWS else "root")


def _ssh_keys(machine: VirtualMachine, asked: Asked) -> list[str]:
    keys = sshkeys.clean(asked.ssh_keys)
    if keys and machine.os_type != OSType.LINUX:
        raise Invalid(
            f"The machine {machine.name} runs {machine.os_type}: only Linux takes SSH keys.",
            field="ssh_keys",
        )
    return keys


def _user_data(asked: Asked) -> str:
    """The text as it is; its size is counted as it will be sent."""
    text = fields.prose(asked.user_data, "The user data", longest=MOST_USER_DATA, field="user_data")
    if len(text.encode()) > MOST_USER_DATA:
        raise Invalid(
            f"The user data is longer than {MOST_USER_DATA // 1024} KB.", field="user_data"
        )
    return text if text.strip() else ""


def _answer_file(
    machine: VirtualMachine, guest: GuestProfile | None, asked: Asked, domain: str
) -> str:
    """The guest profile's answer file, and in it the domain that an order joins with an account."""
    file = guest.answer_file if guest is not None else None
    text = _text(guest, file) if guest is not None else ""
    join = joins.decide(
        machine,
        domain=domain,
        user=asked.domain_user.strip(),
        password=asked.domain_password,
        unit=asked.domain_unit,
    )
    if join is None:
        return text
    what = f"answer file {file.name} of the guest profile" if file is not None else "answer file"
    return answerfile.joining(text, join, what=what)


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
