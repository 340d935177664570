"""Everything that can be raised below the interface, as a problem document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.http import Http404, HttpResponse
from rest_framework import exceptions

from plans.errors import QuotaExceeded
from portal.api.frame.authentication import unauthenticated
from portal.problems import Problem
from tenants.errors import Conflicting, NotPermitted, Refused


def answer(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return the answer to an exception; None for a bug, which portal.faults answers."""
    problem = problem_of(error)
    if problem is None:
        return None
    response = problem.response(context["request"].path)
    response.headers["Cache-Control"] = "no-store"
    return response


def problem_of(error: Exception) -> Problem | None:
    """Return the problem an exception stands for, None when it is a bug."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refused):
        return of_refusal(error)
    if isinstance(error, Http404 | exceptions.NotFound):
        return Problem("not_found")
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return Problem("not_permitted", str(error))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return unauthenticated()
    if isinstance(error, exceptions.MethodNotAllowed):
        return Problem("method_not_allowed")
    if isinstance(error, exceptions.UnsupportedMediaType):
        return Problem("unsupported_media_type")
    if isinstance(error, exceptions.APIException) and error.status_code < 500:
        return Problem("malformed", str(error.detail), status=error.status_code)
    if isinstance(error, SuspiciousOperation):
        return Problem("malformed")
    if isinstance(error, ValidationError):
        return Problem("refused", " ".join(error.messages))
    return None


def pointer_of(field: str) -> str:
    """Return the pointer into the body to a field that an action names."""
    return f"#/{field.replace('__', '/').replace('.', '/')}"


def of_refusal(refused: Refused, prefix: str = "") -> Problem:
    """Return an action's refusal; its field becomes a pointer into the body."""
    errors = []
    if refused.field:
        pointer = pointer_of(f"{prefix}{refused.field}")
        errors = [{"pointer": pointer, "detail": refused.message}]
    extra: dict[str, object] = {}
    if isinstance(refused, QuotaExceeded):
        code = "quota_exceeded"
        extra = {name: getattr(refused, name) for name in ("resource", "limit", "used", "wanted")}
    elif isinstance(refused, NotPermitted):
        code = "not_permitted"
    elif isinstance(refused, Conflicting):
        code = "conflict"
    elif refused.code == "not_possible":
        code = "not_possible"
    else:
        code = "refused"
        extra = {"reason": refused.code} if refused.code != "refused" else {}
    return Problem(code, refused.message, errors=errors, extra=extra)
