"""What a driver may raise: one family, each saying whether to try again and how soon.

Retryable: Unreachable, Busy, Throttled. Permanent: Rejected, Missing, Unsupported, Full.
Messages are fit to be shown to an operator: they name ids and numbers, never a secret.
"""

from __future__ import annotations

from typing import ClassVar


class DriverFault(Exception):
    """Trouble on the far side; anything else a driver raises is a bug in the driver."""

    code: ClassVar[str] = "fault"
    permanent: ClassVar[bool] = True
    default_retry_after: ClassVar[float | None] = None

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = self.default_retry_after if retry_after is None else retry_after


class Unreachable(DriverFault):
    """No answer: the verb may or may not have been carried out, so ask again."""

    code = "unreachable"
    permanent = False
    default_retry_after = 5.0


class Busy(DriverFault):
    """The guest or disk is in the middle of something else; nothing was done."""

    code = "busy"
    permanent = False
    default_retry_after = 1.0


class Throttled(DriverFault):
    """The host has too much to do; nothing was done."""

    code = "throttled"
    permanent = False
    default_retry_after = 10.0


class Rejected(DriverFault):
    """The host understood and says no: asking again the same way will not help."""

    code = "rejected"


class Missing(DriverFault):
    """The guest or disk that the verb needs is not on this host."""

    code = "missing"


class Unsupported(DriverFault):
    """This driver cannot do that at all; its capabilities said so."""

    code = "unsupported"


class Full(DriverFault):
    """No room: which resource, how much of it is free and how much was wanted."""

    code = "full"

    def __init__(self, message: str, *, resource: str = "", free: int = 0, wanted: int = 0) -> None:
        super().__init__(message)
        self.resource = resource
        self.free = free
        self.wanted = wanted
