"""Refusals of the virtual machine service."""

from __future__ import annotations

from tenants.errors import Refused


class RegistrationFailed(Refused):
    """An endpoint was not stored. `code` tells why: unreachable, certificate, credentials, not_spf,
    rights.
    """

    code = "registration_failed"


class NotPossible(Refused):
    """The machine's state does not allow this now."""

    code = "not_possible"


class CloudIncomplete(Refused):
    """A cloud lacks what a plan needs: a template, a hardware profile or a network."""

    code = "cloud_incomplete"
