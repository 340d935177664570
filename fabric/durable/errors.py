"""What a step may raise. Anything else is a bug and is logged once, with a reference."""

from __future__ import annotations


class Fault(Exception):
    """A step could not be done now. `retry_after` in seconds, None when trying again is useless.

    `advice` tells the person what would help; both texts are shown, so neither holds a secret.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "fault",
        retry_after: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retry_after = retry_after
        self.advice = advice

    @property
    def permanent(self) -> bool:
        return self.retry_after is None

    def told(self) -> dict[str, str]:
        """Return what rows keep of it."""
        return {"code": self.code, "message": self.message, "advice": self.advice}


class LostClaim(Exception):
    """Another worker holds the job now: this one stops and writes nothing more."""
