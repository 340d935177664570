"""What is answered below /api/ where there is no endpoint."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from portal.problems import answer, slash_missing


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """Answer an address that does not exist; say so when only its last slash is missing."""
    path = request.path
    return answer(request, "not_found", "" if path.endswith("/") else slash_missing(path))
