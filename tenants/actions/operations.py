"""Write the operations log, in the transaction of the act it tells of."""

from __future__ import annotations

import uuid
from typing import Any

from tenants.models import Operation, Phase, Tenant, User

HIDDEN = "•••"
_SECRET_WORDS = ("password", "passphrase", "secret", "token", "private_key", "code")


def redact(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with every value of a secret-sounding name hidden, at any depth."""
    return {
        name: HIDDEN
        if any(word in name.lower() for word in _SECRET_WORDS)
        else redact(value)
        if isinstance(value, dict)
        else value
        for name, value in parameters.items()
    }


def started(
    action: str,
    *,
    by: User | None,
    tenant: Tenant | None = None,
    object_type: str = "",
    object_id: object = "",
    object_name: str = "",
    parameters: dict[str, Any] | None = None,
) -> uuid.UUID:
    """Log that an act began; return the id it ends under."""
    entry = Operation.objects.create(
        phase=Phase.STARTED,
        action=action,
        actor=by,
        actor_email=by.email if by else "system",
        tenant=tenant,
        object_type=object_type,
        object_id=str(object_id),
        object_name=object_name,
        parameters=redact(parameters or {}),
    )
    return entry.operation_id


def succeeded(operation_id: uuid.UUID, message: str = "") -> None:
    """Log the good end of an act. Repeatable: only the first end of an act counts."""
    _end(operation_id, Phase.SUCCEEDED, message)


def failed(operation_id: uuid.UUID, message: str) -> None:
    """Log the bad end of an act. Repeatable: only the first end of an act counts."""
    _end(operation_id, Phase.FAILED, message)


def done(action: str, *, message: str = "", **told: Any) -> None:
    """Log an act that is over as soon as it is begun: both entries at once."""
    succeeded(started(action, **told), message)


def _end(operation_id: uuid.UUID, phase: Phase, message: str) -> None:
    first = Operation.objects.filter(operation_id=operation_id, phase=Phase.STARTED).first()
    if first is None:
        return
    first.pk, first.phase, first.message = None, phase, message
    first._state.adding = True
    Operation.objects.bulk_create([first], ignore_conflicts=True)
