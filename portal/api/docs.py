"""The description for programs (JSON, YAML), and as pages of the site for people."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.renderers import OpenApiYamlRenderer

from portal.api import reference
from portal.api.frame import etags
from portal.api.frame.formats import dumps
from portal.api.frame.openapi import document
from portal.problems import KINDS, answer

READING = ("GET", "HEAD")
View = Callable[..., HttpResponse]


def read_only(view: View) -> View:
    """Refuse what would change something, as every address below /api/ does."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, **keys: str) -> HttpResponse:
        if request.method not in READING:
            return answer(request, "method_not_allowed", headers={"Allow": ", ".join(READING)})
        return view(request, **keys)

    return guarded


def for_people(view: View) -> View:
    """Lead who is not signed in to the sign-in page."""

    @wraps(view)
    def guarded(request: HttpRequest, **keys: str) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        response = view(request, **keys)
        add_never_cache_headers(response)
        return response

    return guarded


@lru_cache(maxsize=2)
def _written(form: str) -> tuple[bytes, str]:
    """Return the description in a format, and its ETag."""
    if form == "yaml":
        body: bytes = OpenApiYamlRenderer().render(document(), renderer_context={})
    else:
        body = dumps(document()).encode()
    return body, etags.etag_of(body)


@read_only
def openapi(request: HttpRequest, form: str) -> HttpResponse:
    """Answer the description. It is nobody's secret, and the same for everybody."""
    body, etag = _written(form)
    headers = {"ETag": etag, "Cache-Control": "public, max-age=300"}
    if etags.is_known(request.headers.get("If-None-Match", ""), etag):
        return HttpResponse(status=304, headers=headers)
    kind = "application/yaml" if form == "yaml" else "application/vnd.oai.openapi+json"
    return HttpResponse(body, content_type=kind, headers=headers)


@read_only
@for_people
def index(request: HttpRequest) -> HttpResponse:
    context = {"title": _("REST API"), "tags": reference.tags().values()}
    return render(request, "api/index.html", context)


@read_only
@for_people
def tag(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the operations on one noun."""
    found = reference.tags().get(slug)
    if found is None:
        raise Http404
    return render(request, "api/tag.html", {"title": found.title, "tag": found})


@read_only
@for_people
def problems(request: HttpRequest) -> HttpResponse:
    """Show what can go wrong, which is where the `type` of a problem leads."""
    context = {"title": _("Problems"), "kinds": KINDS}
    return render(request, "api/problems.html", context)
