"""Refusals: the person can act on them. Their message is shown as it is."""

from __future__ import annotations


class Refused(Exception):
    """An action was not done, and nothing was changed. `field` names the form field at fault."""

    code = "refused"

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code:
            self.code = code


class NotPermitted(Refused):
    """The person's role, or the plan, does not allow this."""

    code = "not_permitted"


class Conflicting(Refused):
    """Something with this name or in this state is in the way."""

    code = "conflict"
