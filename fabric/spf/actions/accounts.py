"""Who may call this SPF.

Nobody manages accounts over the wire, so refusals are VMM's: they name the field that is wrong.
`used_by` names what signs in with an account, as far as whoever asks knows: its last way into VMM
stays open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string

from fabric.spf.models import Account, Group
from fabric.vmm.errors import Conflict, Invalid, NotFound

ALL_GROUPS = tuple(group.value for group in Group)
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 512
# None that are taken for another.
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_password() -> str:
    """Return a password nobody guesses."""
    return get_random_string(24, _LETTERS)


def create_account(
    username: str,
    password: str,
    groups: Iterable[str] = ALL_GROUPS,
    is_vmm_administrator: bool = True,
    is_active: bool = True,
) -> Account:
    """Make an account; raises Conflict when the name is taken."""
    _check_name(username)
    account = Account(
        username=username,
        password=make_password(_checked(password)),
        groups=_known(groups),
        is_vmm_administrator=is_vmm_administrator,
        is_active=is_active,
    )
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"There is an account named {username} already.", field="username") from None
    return account


@transaction.atomic
def change_account(
    username: str,
    *,
    password: str | None = None,
    groups: Iterable[str] | None = None,
    is_vmm_administrator: bool | None = None,
    is_active: bool | None = None,
    used_by: Collection[str] = (),
) -> Account:
    """Change what is given of an account; raises NotFound, and Conflict where it must stay."""
    account, others = _held(username)
    was_a_way = is_way_into_vmm(account)
    if password is not None:
        account.password = make_password(_checked(password))
    if groups is not None:
        account.groups = _known(groups)
    if is_vmm_administrator is not None:
        account.is_vmm_administrator = is_vmm_administrator
    if is_active is not None:
        account.is_active = is_active
    if was_a_way and not is_way_into_vmm(account):
        _require_another(account, others, used_by)
    account.save()
    return account


@transaction.atomic
def remove_account(username: str, *, used_by: Collection[str] = ()) -> None:
    """Forget an account; raises Conflict where it must stay."""
    account, others = _held(username)
    if is_way_into_vmm(account):
        _require_another(account, others, used_by)
    account.delete()


def is_way_into_vmm(account: Account) -> bool:
    """Tell whether whoever calls with the account administers VMM."""
    return account.is_active and account.is_vmm_administrator and account.has(Group.VMM)


def _held(username: str) -> tuple[Account, list[Account]]:
    """Return the account and all others, locked: of two changes at once one sees the other."""
    rows = list(Account.objects.select_for_update().order_by("pk"))
    account = next((row for row in rows if row.username == username), None)
    if account is None:
        raise NotFound(f"There is no account named {username}.")
    return account, [row for row in rows if row is not account]


def _require_another(account: Account, others: Iterable[Account], used_by: Collection[str]) -> None:
    if used_by and not any(is_way_into_vmm(other) for other in others):
        raise Conflict(
            f"{account.username} is the only account that administers VMM, and "
            f"{', '.join(used_by)} signs in with it.",
            advice="Make another account with the same rights and have it used first.",
        )


def _check_name(username: str) -> None:
    # A colon ends the name in Basic credentials, a backslash stands after a machine's name.
    if not username or len(username) > 150 or not username.isprintable() or {*":\\"} & {*username}:
        raise Invalid(
            "An account needs a name of up to 150 characters without : and \\.", field="username"
        )


def _checked(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or not password.isprintable():
        raise Invalid(
            f"An account needs a password of at least {SHORTEST_PASSWORD} characters.",
            field="password",
        )
    return password


def _known(groups: Iterable[str]) -> list[str]:
    given = list(dict.fromkeys(groups))
    for group in given:
        if group not in ALL_GROUPS:
            raise Invalid(
                f"There is no group {group}; there are {', '.join(ALL_GROUPS)}.", field="groups"
            )
    return given
