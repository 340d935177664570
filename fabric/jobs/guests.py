"""What a guest is told, from a job's inputs and its sealed secrets."""

from __future__ import annotations

from typing import Any

from fabric.durable.recipe import Turn
from fabric.providers.guests import DomainJoin


def inputs_of(turn: Turn) -> dict[str, Any]:
    """Return the fields of `GuestInputs`; secrets that are erased by now are left out."""
    told = turn.job.inputs["guest"]
    join = None
    if told["join"]:
        domain, account_domain, user, unit = told["join"]
        join = DomainJoin(
            domain=domain,
            user=user,
            password=turn.secret("join_password"),
            account_domain=account_domain,
            ou=unit,
        )
    return {
        "computer_name": told["computer_name"],
        "admin_user": told["admin_user"],
        "password": turn.secret("password"),
        "ssh_keys": tuple(told["ssh_keys"]),
        "product_key": turn.secret("product_key"),
        "time_zone": told["time_zone"],
        "workgroup": told["workgroup"],
        "domain_join": join,
        "user_data": turn.secret("user_data"),
    }


def has_all_secrets(turn: Turn) -> bool:
    """Tell whether none of the secrets the job was given has been used up."""
    return all(turn.secret(name) for name in turn.job.inputs["guest"]["secrets"])
