"""Run-as accounts. Their passwords are only sent, and shown to nobody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from fabric.spf.schema import Create, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.columns import plain, stamp
from fabric.spf.sets.grants import grant, granted, with_grants
from fabric.spf.sets.recording import record
from fabric.vmm.actions import accounts
from fabric.vmm.models import ResourceKind, RunAsAccount

_KEYWORDS = {
    "Name": "name",
    "UserName": "username",
    "Domain": "domain",
    "Description": "description",
    "Enabled": "is_enabled",
}


def _accounts(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = RunAsAccount.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return with_grants(scope, ResourceKind.ACCOUNT, rows.defer("sealed"))


def _account(scope: Scope, account: Any) -> Row:
    return {
        "ID": account.pk,
        "StampId": scope.stamp_of(account.server_id),
        "Name": account.name,
        "Description": account.description,
        "AddedTime": account.created_at,
        "Domain": account.domain,
        "Enabled": account.is_enabled,
        "GrantedToList": granted(scope, account),
        "ModifiedTime": account.modified_at,
        "UserName": account.username,
    }


@transaction.atomic
def _create(scope: Scope, body: Row) -> Written:
    assert scope.caller is not None
    made = accounts.add(
        scope.caller,
        named.server_of(scope, body),
        password=body["Password"],
        **{keyword: body[name] for name, keyword in _KEYWORDS.items() if name in body},
    )
    job = record(scope, made, "New-SCRunAsAccount", "Create run-as account")
    return Written(made, job)


@transaction.atomic
def _update(scope: Scope, account: Any, body: Row) -> UUID | None:
    assert scope.caller is not None
    changes: Any = named.different(account, body, _KEYWORDS)
    is_granted = grant(scope, ResourceKind.ACCOUNT, account, body)
    password = body.get("Password") or ""
    if changes or password:
        accounts.change(scope.caller, account, password=password, **changes)
    elif not is_granted:
        return None
    return record(scope, account, "Set-SCRunAsAccount", "Change run-as account")


@transaction.atomic
def _delete(scope: Scope, account: Any) -> UUID:
    assert scope.caller is not None
    accounts.remove(scope.caller, account)
    return record(scope, account, "Remove-SCRunAsAccount", "Remove run-as account")


SETS = (
    Resource(
        name="RunAsAccounts",
        sources=(
            Table(
                _accounts,
                _account,
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    Domain="domain",
                    UserName="username",
                    Enabled="is_enabled",
                    AddedTime="created_at",
                    ModifiedTime="modified_at",
                )
                | {"StampId": stamp()},
            ),
        ),
        only_sent=names("NoValidation Password"),
        create=Create(
            _create,
            takes=names("StampId Name UserName Password Domain Description Enabled"),
            requires=("StampId", "Name", "UserName", "Password"),
        ),
        update=Update(
            _update,
            takes=names("Name UserName Password Domain Description Enabled GrantedToList"),
        ),
        delete=_delete,
    ),
)
