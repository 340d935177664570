"""Who may see a page: people who are signed in, and of objects only their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRefresh

View = Callable[..., HttpResponse]


def signed_in(view: View) -> View:
    """Lead others to the sign-in page; a fragment of theirs reloads its page to the same end.

    What a signed-in person sees is kept by no cache: Back after signing out shows nothing.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_authenticated:
            if request.htmx:
                return HttpResponseClientRefresh()
            return redirect_to_login(request.get_full_path())
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


def own(load: Callable[[HttpRequest, Any], Any], *methods: str) -> Callable[[View], View]:
    """Give the view the object in place of its id; `load` raises 404 for a stranger.

    The method is looked at afterwards, so a stranger gets 404 whatever the method.
    """
    allowed = ("GET", "HEAD", *methods) if "GET" in methods else methods

    def decorate(view: View) -> View:
        @wraps(view)
        def loaded(request: HttpRequest, pk: Any) -> HttpResponse:
            found = load(request, pk)
            if request.method not in allowed:
                return HttpResponseNotAllowed(methods)
            return view(request, found)

        return loaded

    return decorate
