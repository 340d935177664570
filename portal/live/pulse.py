"""The pulse: a page asks "has anything changed?", and mostly hears "no", without a query.

The page carries a signed list of the ids it shows and a mark of what it knows of them. Nobody can
ask about what they were not shown; that something changed is all that is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from django.core import signing
from django.http import HttpRequest, HttpResponse

from portal.live.marks import Mark, marks

PATH = "/pulse/"
SALT = "katal.live"
LONGEST_SECONDS = 60 * 60 * 24
MOST_IDS = 50


def token_for(ids: Sequence[UUID]) -> str:
    """Return what a page shows to ask about these."""
    return signing.dumps([str(id) for id in ids[:MOST_IDS]], salt=SALT)


def mark_for(ids: Sequence[UUID], began: float) -> str:
    """Return what a page knows whose request began then."""
    marks.listen()
    return marks.mark([str(id) for id in ids[:MOST_IDS]], began).as_text()


class PulseMiddleware:
    """Answer the pulse before anybody looks at a cookie: 204 for nothing new, else the new mark.

    Every other request is given the time it began.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.began = time.time()
        if request.path != PATH:
            return self.get_response(request)
        response = _answer(request)
        response.headers["Cache-Control"] = "no-store"
        return response


def _answer(request: HttpRequest) -> HttpResponse:
    try:
        ids = signing.loads(request.GET.get("of", ""), salt=SALT, max_age=LONGEST_SECONDS)
    except signing.BadSignature:
        return HttpResponse(status=410)  # the page is too old, or not ours: it stops asking
    marks.listen()
    known = Mark.from_text(request.GET.get("mark", ""), len(ids))
    if known is not None and not marks.has_news(ids, known):
        return HttpResponse(status=204)
    mark = marks.mark(ids, time.time()).as_text()
    # No middleware below says how long it is, and the server would send it in pieces.
    length = {"Content-Length": str(len(mark))}
    return HttpResponse(mark, content_type="text/plain", headers=length)
