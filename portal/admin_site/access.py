"""Who may see the admin site: operators; before there are any, whoever holds the set-up code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh

from fabric.actions import setup

View = Callable[..., HttpResponse]
OPEN_TO_ALL = {"account_logout"}


def operator_required(view: View) -> View:
    """Send visitors to the sign-in page, or to the set-up page before it is done; refuse others.

    A fragment of theirs reloads its page to the same end. What operators see is kept by no cache.
    """

    @wraps(view)
    def gate(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.user.is_anonymous:
            if request.htmx:
                return HttpResponseClientRefresh()
            if not setup.is_done():
                return redirect("setup")
            return redirect_to_login(request.get_full_path(), reverse("account_login"))
        refuse_outsider(request)
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return gate


def operators_and_visitors(view: View) -> View:
    """Let visitors in as well, once set-up is done: for the sign-in pages."""

    @wraps(view)
    def gate(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.user.is_anonymous and not setup.is_done():
            return redirect("setup")
        if request.user.is_authenticated:
            refuse_outsider(request)
        return view(request, *args, **kwargs)

    return gate


def refuse_outsider(request: HttpRequest) -> None:
    """Refuse somebody signed in who does not operate this cloud."""
    if not request.user.is_operator:
        raise PermissionDenied(_("This is the operators' site, and your account is a tenant's."))


def gated(patterns: Iterable[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """Return another application's URL patterns, at any depth, behind `operators_and_visitors`.

    Signing out stays open to everybody: it is the only way on for somebody refused.
    """
    return [
        URLResolver(pattern.pattern, gated(pattern.url_patterns), pattern.default_kwargs)
        if isinstance(pattern, URLResolver)
        else pattern
        if pattern.name in OPEN_TO_ALL
        else URLPattern(
            pattern.pattern,
            operators_and_visitors(pattern.callback),
            pattern.default_args,
            pattern.name,
        )
        for pattern in patterns
    ]
