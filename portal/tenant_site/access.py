"""Who may see a page: people who are signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
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
