"""What stands around every call: whatever happens in it, its caller gets a sound answer."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from fabric.odata.errors import BadRequest, ODataError
from fabric.odata.headers import understood
from fabric.spf import answers
from fabric.spf.accounts import NotSignedIn
from fabric.spf.answers import AnyResponse
from fabric.spf.calls import refusal_format
from fabric.vault.errors import VaultLocked
from fabric.vmm.errors import VMMError

log = logging.getLogger(__name__)


def guarded(request: HttpRequest, work: Callable[[], AnyResponse]) -> AnyResponse:
    """The answer of the work, or what went wrong in it, in the caller's format and in a version
    of the protocol that the caller understands; never a stack trace.
    """
    response = _answered(request, work)
    version = understood(request.headers.get("MaxDataServiceVersion"))
    if version < 3 and response.get("DataServiceVersion") == "3.0;":
        response["DataServiceVersion"] = f"{version}.0;"
    return response


def _answered(request: HttpRequest, work: Callable[[], AnyResponse]) -> AnyResponse:
    format = refusal_format(request)
    try:
        return answers.finish(work())
    except NotSignedIn as error:
        asked = request.headers.get("Accept")
        return answers.challenge(error.retry_after, format if asked else None)
    except Exception as error:
        told = refusal(error)
        return answers.broken(error, format) if told is None else answers.refused(told, format)


def refusal(error: Exception) -> ODataError | None:
    """What a caller may read of what went wrong; None where the trouble is our own."""
    match error:
        case ODataError():
            return error
        case VMMError():
            return answers.of_vmm(error)
        case VaultLocked():
            log.error("a secret was sent, but the configuration store is locked")
            locked = "This server takes no passwords yet: its configuration store is locked."
            return ODataError(locked, status=503)
        case DisallowedHost():
            log.warning("called by a name that is not in KATAL_HOSTS")
            return BadRequest("This server is not known by the host name in the address.")
    return None
