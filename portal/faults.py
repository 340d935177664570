"""How refusals and errors reach people: a field's error, a message, or a page with a reference."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from portal import problems
from tenants.errors import Refused

log = logging.getLogger(__name__)


def refuse(form: BaseForm, refused: Refused) -> None:
    """Put a refusal where the person can act on it: at its field, else above the form."""
    known = refused.field if refused.field in form.fields else None
    form.add_error(known, refused.message)


@contextmanager
def told(request: HttpRequest) -> Iterator[None]:
    """Turn a refusal of the act inside into a message on the next page."""
    try:
        yield
    except Refused as refused:
        messages.error(request, refused.message)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token does not fit: the page stood open across a sign-in, mostly."""
    if problems.is_asked_by_program(request):
        return problems.answer(request, "not_permitted", reason)
    return _page(
        request,
        403,
        _("This form is out of date"),
        _("You signed in or out since the page was opened. Go back, reload it and try again."),
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 400, _("This request makes no sense"), _("Check the address."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 403, _("Not for this account"), str(exception or ""))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        404,
        _("There is nothing here"),
        _("It may have been deleted, or it belongs to somebody else."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug: our side, with a number that is in the log beside the traceback."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError | RedisError):
        return unavailable(request)
    reference = secrets.token_hex(4)
    log.error("reference %s: %s %s", reference, request.method, request.path)
    return _page(
        request,
        500,
        _("Something broke on our side"),
        _("Nothing you did is lost. Try again; if it stays, tell us this number."),
        reference,
    )


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer while the database, or the cache in which sign-ins are counted, cannot be asked."""
    response = _page(
        request,
        503,
        _("Not available right now"),
        _("Your machines keep running. This page will be back in a moment."),
    )
    response.headers["Retry-After"] = "10"
    return response


def _page(
    request: HttpRequest, status: int, title: str, text: str, reference: str = ""
) -> HttpResponse:
    """Render without the database, which may be what broke; for programs a problem document."""
    if problems.is_asked_by_program(request):
        return problems.of_status(request, status, reference)
    shown = {"title": title, "text": text, "reference": reference, "status": status}
    try:
        return render(request, "errors/page.html", shown, status=status)
    except Exception:
        log.exception("the page for status %s cannot be drawn", status)
        return HttpResponse(f"{status}: {title}. {text} {reference}\n", "text/plain", status)
