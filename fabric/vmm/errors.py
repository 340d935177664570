"""What VMM refuses, in words for the person who asked. Hosts' own trouble is in hypervisors."""

from __future__ import annotations

from typing import ClassVar


class VMMError(Exception):
    """Root. `advice` says what would help; neither text ever holds a secret.

    `field` names the keyword of the action that is wrong, "" when it is none alone.
    """

    default_code: ClassVar[str] = "refused"

    def __init__(self, message: str, *, advice: str = "", code: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.field = field
        self.code = code or self.default_code


class Invalid(VMMError):
    """A value makes no sense; the message names it."""

    default_code = "invalid"


class QuotaExceeded(VMMError):
    """A limit of a user role or of a cloud would be passed."""

    default_code = "quota_exceeded"

    def __init__(
        self,
        message: str,
        *,
        dimension: str,
        limit: int,
        used: int,
        wanted: int,
        advice: str = "",
        field: str = "",
    ) -> None:
        super().__init__(message, advice=advice, field=field)
        self.dimension = dimension
        self.limit = limit
        self.used = used
        self.wanted = wanted


class NoSuitableHost(VMMError):
    """No host of the cloud has the room; the message says what lacks."""

    default_code = "no_suitable_host"


class NoFreeSlot(VMMError):
    """Hosts of the cloud have the room, but all of them are busy with other jobs."""

    default_code = "no_free_slot"


class NoFreeAddress(VMMError):
    """The address pools of a network are used up."""

    default_code = "no_free_address"


class Denied(VMMError):
    """The user role lacks a permission; the message names it."""

    default_code = "denied"


class NotFound(VMMError):
    """There is no such thing for this caller."""

    default_code = "not_found"


class Conflict(VMMError):
    """It exists already, is in use, or another job works on it."""

    default_code = "conflict"


class WrongState(VMMError):
    """The thing cannot do that where it stands."""

    default_code = "wrong_state"
