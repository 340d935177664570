"""Errors of the REST interface as RFC 9457 says them: what a client reads instead of a page.

A problem is raised anywhere below /api/ and becomes application/problem+json at its border.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MEDIA_TYPE = "application/problem+json"
ROOT = "/api/"
KINDS_PAGE = "/api/v1/docs/problems/"


@dataclass(frozen=True)
class Kind:
    """What can go wrong: the status, the title people read, what a client does about it."""

    status: int
    title: str
    advice: str


KINDS = {
    "malformed": Kind(
        400,
        gettext_lazy("The request cannot be read"),
        gettext_lazy("Send one JSON object in UTF-8, each name in it once."),
    ),
    "bad_parameter": Kind(
        400,
        gettext_lazy("A parameter makes no sense"),
        gettext_lazy("The errors name the parameters or headers, and what they may hold."),
    ),
    "unauthenticated": Kind(
        401,
        gettext_lazy("Sign in first"),
        gettext_lazy("Send an API key that is neither expired nor revoked."),
    ),
    "not_permitted": Kind(
        403,
        gettext_lazy("Not for this account"),
        gettext_lazy("The person's role or the plan does not allow it."),
    ),
    "missing_scope": Kind(
        403,
        gettext_lazy("The API key does not reach this far"),
        gettext_lazy("Use a key with the scope that is named in missing_scope."),
    ),
    "not_found": Kind(
        404,
        gettext_lazy("There is nothing here"),
        gettext_lazy("It was deleted, or it belongs to somebody else."),
    ),
    "method_not_allowed": Kind(
        405,
        gettext_lazy("Not by this method"),
        gettext_lazy("The header Allow holds the methods there are."),
    ),
    "not_acceptable": Kind(
        406,
        gettext_lazy("Not in this format"),
        gettext_lazy("Accept application/json."),
    ),
    "conflict": Kind(
        409,
        gettext_lazy("Something is in the way"),
        gettext_lazy("Mostly a name that is taken."),
    ),
    "not_possible": Kind(
        409,
        gettext_lazy("Not possible now"),
        gettext_lazy("The state does not allow it: look at it, then try again."),
    ),
    "in_flight": Kind(
        409,
        gettext_lazy("The same request is being answered right now"),
        gettext_lazy("Try again after the seconds in Retry-After, with the same key."),
    ),
    "length_required": Kind(
        411,
        gettext_lazy("The length of the body is not known"),
        gettext_lazy("Send Content-Length instead of a chunked body."),
    ),
    "precondition_failed": Kind(
        412,
        gettext_lazy("It was changed meanwhile"),
        gettext_lazy("Read it again; the ETag in If-Match is not its present one."),
    ),
    "too_large": Kind(
        413,
        gettext_lazy("The body is too large"),
        gettext_lazy("Bodies hold at most 1 MB."),
    ),
    "unsupported_media_type": Kind(
        415,
        gettext_lazy("Not a format we read"),
        gettext_lazy("Send application/json."),
    ),
    "invalid": Kind(
        422,
        gettext_lazy("Some fields need another value"),
        gettext_lazy("The errors name the fields by JSON pointers."),
    ),
    "refused": Kind(
        422,
        gettext_lazy("Refused"),
        gettext_lazy("Nothing was changed; the detail says what stands against it."),
    ),
    "quota_exceeded": Kind(
        422,
        gettext_lazy("The quota does not suffice"),
        gettext_lazy("The members resource, limit, used and wanted say by how much."),
    ),
    "key_reused": Kind(
        422,
        gettext_lazy("This Idempotency-Key was used for another request"),
        gettext_lazy("Use a new key for every new request."),
    ),
    "too_many_requests": Kind(
        429,
        gettext_lazy("Too many requests"),
        gettext_lazy("Try again after the seconds in Retry-After."),
    ),
    "our_fault": Kind(
        500,
        gettext_lazy("Something broke on our side"),
        gettext_lazy("Try again; if it stays, tell us the number in reference."),
    ),
    "unavailable": Kind(
        503,
        gettext_lazy("Not available right now"),
        gettext_lazy("Machines keep running. Try again after the seconds in Retry-After."),
    ),
}


@dataclass
class Problem(Exception):
    """An answer that is an error. `errors` are dicts of detail and pointer, parameter or header."""

    code: str
    detail: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] | None = None
    extra: Mapping[str, object] | None = None
    status: int = 0

    def response(self, instance: str) -> HttpResponse:
        """Return the problem as the answer to a request for the address `instance`."""
        kind = KINDS.get(self.code) or KINDS["refused"]
        status = self.status or kind.status
        told: dict[str, object] = {
            "type": f"{settings.TENANT_SITE_URL.rstrip('/')}{KINDS_PAGE}#{self.code}",
            "title": str(kind.title),
            "status": status,
            "detail": self.detail or str(kind.title),
            "instance": instance,
            "code": self.code,
        }
        if self.errors:
            told["errors"] = [dict(error) for error in self.errors]
        told |= self.extra or {}
        body = json.dumps(told, ensure_ascii=True, default=str)
        response = HttpResponse(body, content_type=MEDIA_TYPE, status=status)
        for name, value in (self.headers or {}).items():
            response.headers[name] = value
        return response


def is_asked_by_program(request: HttpRequest) -> bool:
    """Tell whether an error of this request is to be a problem document and not a page."""
    return settings.SITE == "tenant" and request.path_info.startswith(ROOT)


def answer(request: HttpRequest, code: str, detail: str = "", **told: object) -> HttpResponse:
    """Return a problem as the answer to a request; never cached."""
    problem = Problem(code, detail, **told)  # type: ignore[arg-type]
    response = problem.response(request.path)
    response.headers["Cache-Control"] = "no-store"
    return response


def of_status(request: HttpRequest, status: int, reference: str = "") -> HttpResponse:
    """Return the problem for an error met outside the interface's own code."""
    codes = {400: "malformed", 403: "not_permitted", 404: "not_found", 503: "unavailable"}
    extra = {"reference": reference} if reference else None
    return answer(request, codes.get(status, "our_fault"), extra=extra)


def slash_missing(path: str) -> str:
    """Return what to say to somebody who left the slash at the end away."""
    return _("Addresses end with a slash: %(path)s/") % {"path": path}
