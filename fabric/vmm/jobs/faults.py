"""The one place where trouble of hosts, of VMM's rules and of the vault becomes a job's fault."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Step, Turn
from fabric.hypervisors.base import Outcome
from fabric.hypervisors.errors import DriverFault
from fabric.vault.errors import VaultError
from fabric.vmm.errors import VMMError

ADVICE = {
    "unreachable": "The host does not answer. Resume when it does.",
    "busy": "The host is still at work on this machine. Resume in a while.",
    "throttled": "The host has too much to do. Resume in a while.",
    "rejected": "Resume to ask the host again; if it refuses again, remove the machine.",
    "missing": "Resume to make again what is missing, or remove the machine.",
    "unsupported": "This host cannot do that.",
    "full": "Resume when the host has room again, or remove the machine.",
}

Run = Callable[[Turn], Again | None]


def step(name: str, title: str, run: Run, **options: Any) -> Step:
    """Return a step whose troubles are told as faults."""
    return Step(name, title, _told(run), **options)


def again(outcome: Outcome, message: str | None = None) -> Again | None:
    """Return when to ask a host again about a long verb; None when it is done."""
    if outcome.done:
        return None
    return Again(outcome.retry_in or 1.0, percent=outcome.percent, message=message)


def _unnamed(message: str, host: str) -> str:
    """Leave out which host it was: tenants read this; operators find it beside the step."""
    if not host:
        return message
    named = message.replace(f"Host {host}", "The host").replace(f"host {host}", "the host")
    return named.replace(host, "the host")


def _told(run: Run) -> Run:
    @wraps(run)
    def told(turn: Turn) -> Again | None:
        try:
            return run(turn)
        except DriverFault as fault:
            raise Fault(
                _unnamed(fault.message, turn.host),
                code=fault.code,
                retry_after=None if fault.permanent else fault.retry_after,
                advice=ADVICE.get(fault.code, ""),
            )
        except VMMError as error:
            raise Fault(error.message, code=error.code, advice=error.advice)
        except VaultError:
            raise Fault(
                "The configuration store of this server is locked.",
                code="vault_locked",
                retry_after=10.0,
                advice="An operator has to unlock it with the passphrase; then resume.",
            )

    return told
