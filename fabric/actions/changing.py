"""How an action asks for one of `fabric.providers.changes` on a machine it holds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fabric.actions import held
from fabric.jobs.change import CHANGE
from fabric.limits import limits_of
from fabric.models import Job, Machine
from fabric.providers import changes
from fabric.states import Verb
from plans.actions import quota
from tenants.models import User


def begin(
    machine: Machine,
    change: type,
    *,
    by: User | None,
    verb: Verb,
    action: str,
    title: str,
    doing: str,
    values: Mapping[str, Any],
    wanted: Mapping[str, int] | None = None,
    before: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Job:
    """Reserve what the change will take (`wanted`), then begin it.

    `before` are the machine's columns that were written already, to be put back if it fails.
    """
    if change not in changes.Change.__args__:
        raise ValueError(change)
    return held.begin(
        machine,
        by=by,
        recipe=CHANGE,
        action=action,
        title=title,
        doing=doing,
        inputs={
            "verb": verb.value,
            "change": change.__name__,
            "values": dict(values),
            "before": dict(before or {}),
            **reserve(machine, wanted),
        },
        told=dict(told if told is not None else values),
        request_key=key,
    )


def reserve(machine: Machine, wanted: Mapping[str, int] | None) -> dict[str, Any]:
    """Reserve growth of a machine; return what its job has to know of it."""
    more = {name: amount for name, amount in (wanted or {}).items() if amount > 0}
    if not more:
        return {}
    holding = uuid.uuid4()
    # Before the limits are read: an add-on may be given back at this very moment.
    quota.lock(machine.subscription_id)
    quota.reserve(
        machine.subscription,
        holding=holding,
        subject=machine.pk,
        wanted=more,
        limits=limits_of(machine.subscription),
    )
    return {"holding": str(holding), "wanted": more}
