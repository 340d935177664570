"""Joining a domain while a machine is made: what is said of it, checked before anything is made.

Windows alone is joined, by an answer file (`fabric.vmm.answerfile`).
"""

from __future__ import annotations

import re

from fabric.vmm.actions import fields
from fabric.vmm.answerfile import Join
from fabric.vmm.errors import Invalid
from fabric.vmm.models import OSType, VirtualMachine

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DNS = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# What neither names of domains before DNS nor account names may have.
_NETBIOS = re.compile(r'[^\\/:*?"<>|.\s][^\\/:*?"<>|\s]{0,14}')
_USER = re.compile(r'[^"/\\\[\]:;|=,+*?<>@]{1,104}')
# A part of a distinguished name: a kind, and a value whose commas are escaped.
_PART = re.compile(r"\s*(?P<kind>[A-Za-z]+)\s*=\s*(?P<value>(?:\\.|[^,\\])+?)\s*(?:,|\Z)")
_LONGEST_NAME = 1_024


def decide(
    machine: VirtualMachine, *, domain: str, user: str, password: str, unit: str
) -> Join | None:
    """Return the join that an order asks for; None when it gives no account to join with."""
    if unit and not domain:
        raise Invalid(
            "An organisational unit is of a domain, and no domain was given.", field="domain_unit"
        )
    cleaned = clean_unit(unit)
    if not user and not password:
        if cleaned:
            raise Invalid(
                f"To join the domain {domain} in an organisational unit takes an account: give a "
                "user name and a password.",
                field="domain_user",
            )
        return None
    _require_sense(machine, domain, user, password)
    account_domain, name = clean_account(user, domain)
    return Join(domain, account_domain, name, password, cleaned)


def clean_account(user: str, domain: str) -> tuple[str, str]:
    """Return the domain of an account and its name, of DOMAIN\\user, user@domain, or user alone.

    The domain may be another one than the machine joins, if that trusts it.
    """
    said = fields.text(user, "The user name of the domain account", field="domain_user")
    before, slash, after = said.partition("\\")
    if slash:
        name, where = after, before
        known = bool(_NETBIOS.fullmatch(where) or _DNS.fullmatch(where))
    else:
        name, at, where = said.partition("@")
        where = where if at else domain
        known = bool(_DNS.fullmatch(where))
    if not known or not _USER.fullmatch(name.strip()):
        raise Invalid(
            f"{said!r} is no account of a domain: write it as DOMAIN\\user.", field="domain_user"
        )
    return where, name.strip()


def clean_unit(unit: str) -> str:
    """Return the name of an organisational unit; Invalid when it names anything else."""
    said = fields.text(unit, "The organisational unit", longest=_LONGEST_NAME, field="domain_unit")
    if not said:
        return ""
    kinds, end = [], 0
    while end < len(said):
        part = _PART.match(said, end)
        if part is None:
            raise _no_unit(said)
        kinds.append(part["kind"].upper())
        end = part.end()
    if said.endswith(",") and not said.endswith("\\,"):
        raise _no_unit(said)
    if kinds[0] == "CN":
        raise Invalid(
            f"{said} is a container, not an organisational unit: no machine can be put there by "
            "its name. Leave it empty for the container that the domain uses by itself.",
            field="domain_unit",
        )
    units = [kind for kind in kinds if kind == "OU"]
    if kinds != [*units, *["DC"] * (len(kinds) - len(units))] or not 0 < len(units) < len(kinds):
        raise _no_unit(said)
    return said


def _require_sense(machine: VirtualMachine, domain: str, user: str, password: str) -> None:
    if not domain:
        raise Invalid(
            "An account of a domain is for joining it, and no domain was given.",
            field="domain_user",
        )
    if not user or not password:
        lacking = "password" if user else "user name"
        raise Invalid(
            f"To join the domain {domain} takes a user name and a password: the {lacking} lacks.",
            field="domain_password" if user else "domain_user",
        )
    if machine.os_type != OSType.WINDOWS:
        raise Invalid(
            f"The machine {machine.name} runs {machine.os_type}: only Windows is joined to a "
            "domain while it is set up.",
            field="domain_user",
        )
    if not _DNS.fullmatch(domain):
        raise Invalid(
            f"{domain!r} is no full name of a domain, such as corp.example.net.", field="domain"
        )
    fields.prose(password, "The password", longest=255, field="domain_password")


def _no_unit(said: str) -> Invalid:
    return Invalid(
        f"{said!r} names no organisational unit: write it as OU=Servers,DC=corp,DC=example.",
        field="domain_unit",
    )
