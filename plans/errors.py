"""Refusals of plans and quota."""

from __future__ import annotations

from tenants.errors import Refused


class QuotaExceeded(Refused):
    """A limit of the plan would be passed; `resource` is one of plans.rules.RESOURCES."""

    code = "quota_exceeded"

    def __init__(self, resource: str, *, limit: int, used: int, wanted: int, message: str) -> None:
        super().__init__(message)
        self.resource = resource
        self.limit = limit
        self.used = used
        self.wanted = wanted


class NotConfigured(Refused):
    """The plan's services have no quota yet."""

    code = "not_configured"
