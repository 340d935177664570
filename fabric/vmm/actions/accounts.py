"""Run-as accounts: credentials that VMM uses on somebody's behalf."""

from __future__ import annotations

from typing import TypedDict, Unpack

from django.db import transaction

from fabric.vmm import roles, sealed
from fabric.vmm.actions import rows
from fabric.vmm.errors import Invalid
from fabric.vmm.models import RunAsAccount, Server
from fabric.vmm.roles import Caller


class Changes(TypedDict, total=False):
    name: str
    username: str
    domain: str
    is_enabled: bool
    description: str


_ACCOUNT = {
    "name": rows.name("run-as account"),
    "username": rows.words("The user name", longest=104),
    "domain": rows.words("The domain"),
    "is_enabled": rows.plain,
    "description": rows.prose,
}


@transaction.atomic
def add(
    caller: Caller,
    server: Server,
    *,
    name: str,
    username: str,
    password: str,
    domain: str = "",
    is_enabled: bool = True,
    description: str = "",
) -> RunAsAccount:
    """Add a run-as account; its password is sealed and never read back."""
    roles.require_fabric(caller)
    values: Changes = {
        "name": name,
        "username": username,
        "domain": domain,
        "is_enabled": is_enabled,
        "description": description,
    }
    return _write(RunAsAccount(server=server), values, password)


@transaction.atomic
def change(
    caller: Caller, row: RunAsAccount, *, password: str = "", **changes: Unpack[Changes]
) -> RunAsAccount:
    """Change an account; another user or domain comes with its password, "" keeps the old one."""
    roles.require_fabric(caller)
    return _write(rows.held(row), changes, password)


@transaction.atomic
def remove(caller: Caller, row: RunAsAccount) -> None:
    """Remove a run-as account, also from the roles that may use it."""
    roles.require_fabric(caller)
    rows.remove(row, "run-as account")


def _write(account: RunAsAccount, values: Changes, password: str) -> RunAsAccount:
    before = (account.domain.casefold(), account.username.casefold())
    rows.assign(account, values, _ACCOUNT)
    if not account.username:
        raise Invalid(f"The run-as account {account.name} needs a user name.", field="username")
    if password:
        account.sealed = sealed.seal(account, {"password": password})
    elif before != (account.domain.casefold(), account.username.casefold()):
        who = f"{account.domain}\\{account.username}" if account.domain else account.username
        raise Invalid(
            f"The run-as account {account.name} needs the password of {who}.", field="password"
        )
    return rows.save(account)
