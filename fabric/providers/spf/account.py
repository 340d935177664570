"""What the portal's account may do: every service is asked something harmless, and what it says is
told in words that name the group or the right that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fabric.providers.base import AccountCheck
from fabric.providers.errors import (
    BrokenAnswer,
    CertificateFault,
    Forbidden,
    Missing,
    NoAnswer,
    ProviderFault,
    Rejected,
    Unauthorized,
)
from fabric.providers.spf import inventory
from fabric.providers.spf.session import Session, query

ADMIN: Final = ("Admin", "SPF_Admin")
VMM: Final = ("VMM", "SPF_VMM")
VMM_RIGHTS: Final = ("VMM rights", "Administrator")
PROVIDER: Final = ("Provider", "SPF_Provider")
USAGE: Final = ("Usage", "SPF_Usage")

NO_RIGHTS: Final = "The account is no administrator of VMM, so it is shown no clouds."
GIVE_RIGHTS: Final = (
    "Make the account, or the one that SPF's application pool for VMM runs as, a member of VMM's "
    "Administrator role."
)


def check(session: Session, username: str) -> tuple[AccountCheck, ...]:
    """Knock at every service; where nobody answers at all the others are not tried."""
    doors: tuple[tuple[tuple[str, str], Callable[[], None]], ...] = (
        (ADMIN, lambda: _read(session, session.admin("Stamps"))),
        (VMM, lambda: _read(session, session.vmm("Clouds") + query(top="1"))),
        (VMM_RIGHTS, lambda: _require_rights(session, username)),
        (PROVIDER, lambda: _knock(session, "provider/subscriptions")),
        (USAGE, lambda: _knock(session, "usage/usage?lastID=0&batchsize=1")),
    )
    told: list[AccountCheck] = []
    nobody: ProviderFault | None = None
    for door, ask in doors:
        if nobody is None:
            try:
                ask()
            except (NoAnswer, CertificateFault) as fault:
                nobody = fault
            except ProviderFault as fault:
                told.append(_refused(door, fault, session.place))
                continue
            else:
                told.append(AccountCheck(*door, ok=True))
                continue
        told.append(AccountCheck(*door, ok=False, problem=nobody.message, advice=nobody.advice))
    return tuple(told)


def _read(session: Session, url: str) -> None:
    session.rows(url)


def _knock(session: Session, path: str) -> None:
    """Have a service that speaks no OData answer; that it dislikes the question lets us in, too."""
    try:
        session.document(session.service(path), accept="application/json")
    except Rejected:
        pass


def _require_rights(session: Session, username: str) -> None:
    clouds = session.rows(session.vmm("Clouds") + query(top="1"))
    if not clouds and inventory.lacks_rights(session, username):
        raise Rejected(NO_RIGHTS, advice=GIVE_RIGHTS)


def _refused(door: tuple[str, str], fault: ProviderFault, place: str) -> AccountCheck:
    service, group = door
    problem, advice = fault.message, fault.advice
    is_group = door != VMM_RIGHTS
    if isinstance(fault, Forbidden) and is_group:
        problem = f"The account is not in the group {group}, so the {service} service refuses it."
        advice = (
            f"Add it to {group} on the SPF server (Computer Management, Local Users and Groups)."
        )
    elif isinstance(fault, Unauthorized) and is_group:
        problem = f"The {service} service does not let the account in: {fault.message}"
        advice = f"{fault.advice} It must also be in the group {group}."
    elif isinstance(fault, Missing | BrokenAnswer) and is_group:
        problem = f"There is no {service} service at {place}."
        advice = f"Install it on the SPF server, and add the account to its group {group}."
    elif isinstance(fault, Forbidden):
        problem, advice = NO_RIGHTS, GIVE_RIGHTS
    return AccountCheck(service, group, ok=False, problem=problem, advice=advice)
