"""Who may call this SPF."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from fabric.odata.errors import BadRequest, Conflict, NotFound
from fabric.spf.models import Account, Group

ALL_GROUPS = tuple(group.value for group in Group)


def create_account(
    username: str,
    password: str,
    groups: Iterable[str] = ALL_GROUPS,
    is_vmm_administrator: bool = True,
) -> Account:
    """Make an account; raises Conflict when the name is taken."""
    _check_name(username)
    account = Account(
        username=username,
        password=make_password(_checked(password)),
        groups=_known(groups),
        is_vmm_administrator=is_vmm_administrator,
    )
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"There is an account named {username} already.") from None
    return account


def change_account(
    username: str,
    *,
    password: str | None = None,
    groups: Iterable[str] | None = None,
    is_vmm_administrator: bool | None = None,
    is_active: bool | None = None,
) -> Account:
    """Change what is given of an account; raises NotFound."""
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(username=username).first()
        if account is None:
            raise NotFound(f"There is no account named {username}.")
        if password is not None:
            account.password = make_password(_checked(password))
        if groups is not None:
            account.groups = _known(groups)
        if is_vmm_administrator is not None:
            account.is_vmm_administrator = is_vmm_administrator
        if is_active is not None:
            account.is_active = is_active
        account.save()
    return account


def _check_name(username: str) -> None:
    # A colon ends the name in Basic credentials, a backslash stands after a machine's name.
    if not username or len(username) > 150 or not username.isprintable() or {*":\\"} & {*username}:
        raise BadRequest("An account needs a name of up to 150 characters without : and \\.")


def _checked(password: str) -> str:
    if len(password) < 8 or "\0" in password:
        raise BadRequest("An account needs a password of at least 8 characters.")
    return password


def _known(groups: Iterable[str]) -> list[str]:
    given = list(dict.fromkeys(groups))
    for group in given:
        if group not in ALL_GROUPS:
            raise BadRequest(f"There is no group {group}; there are {', '.join(ALL_GROUPS)}.")
    return given
