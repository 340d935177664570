"""What an address of the interface is: loaded, checked, done once, answered.

A subclass loads its object in `load` (404 for a stranger, whatever the method) and has a method for
every HTTP method it answers, told apart by `answers`: what is asked, given and needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.frame import etags, formats, idempotency, paging, rates, refusals, waiting, work
from portal.api.frame.answer import Answer
from portal.api.frame.authentication import (
    BrowserAuthentication,
    KeyAuthentication,
    unauthenticated,
)
from portal.api.frame.caller import Caller
from portal.api.frame.fields import Asked, Given, Shape, read_body, read_query
from portal.api.frame.formats import JsonParser, JsonRenderer, OnlyJson
from portal.api.frame.openapi import UNSAFE, Description
from portal.problems import Problem

Method = TypeVar("Method", bound=Callable[..., Answer])


class Nothing(Given):
    """An act that needs nothing to be said."""


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the reference and the checks know it.

    An API key needs `scope`, or what the command `verb` needs. `also` are other good ends, `etag`
    says that the answer has one. What answers 202 can be waited for, unless `waits` says otherwise.
    `tag` goes before the endpoint's.
    """

    summary: str
    text: str = ""
    asks: type[Asked] | None = None
    takes: type[Given] = Nothing
    gives: type[Shape] | None = None
    status: int = 200
    waits: bool | None = None
    many: bool = False
    etag: bool = False
    scope: str = ""
    verb: str = ""
    also: dict[int, type[Shape] | None] = field(default_factory=dict)
    refuses: Sequence[str] = ()
    example: Any = None
    tag: str = ""

    @property
    def can_wait(self) -> bool:
        return self.status == 202 if self.waits is None else self.waits


def answers(summary: str, **told: Any) -> Callable[[Method], Method]:
    """Say what a method of an endpoint does; see Operation. Status 202 is long work."""

    def decorate(method: Method) -> Method:
        operation = Operation(summary, text=(method.__doc__ or "").strip(), **told)

        @wraps(method)
        def answered(self: Endpoint, request: Request, **keys: object) -> HttpResponse:
            return self.perform(operation, method, request)

        answered.operation = operation  # type: ignore[attr-defined]
        return answered  # type: ignore[return-value]

    return decorate


class Endpoint(APIView):
    """`tag` is the noun it belongs to in the reference."""

    tag = ""
    authentication_classes = [KeyAuthentication, BrowserAuthentication]
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = []
    parser_classes = [JsonParser]
    renderer_classes = [JsonRenderer]
    content_negotiation_class = OnlyJson
    metadata_class = None
    schema = Description()
    caller: Caller
    asked: dict[str, Any]
    counted: dict[str, str]

    def initial(self, request: Request, *args: Any, **keys: Any) -> None:
        """Know who asks, count it, and load what the address names."""
        self.counted = {}
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = JsonRenderer(), "application/json"
        if not request.user.is_authenticated:
            raise unauthenticated()
        self.caller = Caller(request.user)
        self.counted = dict(rates.count(self.caller.name, request.method))
        self.load(**keys)
        formats.require_json_accepted(request)

    def load(self, *args: Any, **keys: Any) -> None:
        """Load what the address names, or raise Http404."""

    def columns(self) -> Any:
        """Return what the ETag of the loaded object is made of, for If-Match."""
        return None

    @property
    def is_conditional(self) -> bool:
        """Tell whether changes of it can be made to depend on an ETag."""
        return type(self).columns is not Endpoint.columns

    def held(self) -> Model | None:
        """Return the row to lock, until the act is over, before If-Match is judged: what actions on
        the loaded object lock first.
        """
        return None

    def before(self, given: dict[str, Any]) -> None:
        """Do what has to stay done when the act is refused; outside of its transaction."""

    def get_exception_handler(self) -> Callable[..., Any]:
        return refusals.answer

    def perform(
        self, operation: Operation, method: Callable[..., Answer], request: Request
    ) -> HttpResponse:
        """Answer one request: scope, query and body are checked before the method sees them."""
        if operation.scope:
            self.caller.require_scope(operation.scope)
        if operation.verb:
            self.caller.require_verb(operation.verb)
        self.asked = read_query(operation.asks or Asked, self.query(operation, request))
        if request.method not in UNSAFE:
            return self.shown(request, method(self))
        body = self.body(request)
        given = read_body(operation.takes, body)

        def act() -> Answer:
            with transaction.atomic():
                self.require_unchanged(request)
                return method(self, given) if operation.takes is not Nothing else method(self)

        wait = waiting.wanted(request, self.wait) if operation.can_wait else None
        key = idempotency.key_of(request.headers.get(idempotency.HEADER))
        self.before(given)
        if request.method == "POST" and key:
            # How long to wait for the end makes no other request of it.
            told = [request.method, request.path, self.asked, body]
            answer = idempotency.once(self.caller, key, told, act)
        else:
            answer = act()
        return self.accepted(answer, wait)

    def query(self, operation: Operation, request: Request) -> Any:
        """Return the query without `wait`, which every long act knows."""
        self.wait = None
        if not operation.can_wait:
            return request.query_params
        query = request.query_params.copy()
        waits = query.pop("wait", [])
        self.wait = waiting.from_query(waits[-1] if waits else None)
        return query

    def body(self, request: Request) -> Any:
        """Return what the body holds, {} for none, or raise the problem of one we do not read."""
        if request.method == "DELETE" or not formats.body_of(request):
            return {}
        return request.data

    def require_unchanged(self, request: Request) -> None:
        header = request.headers.get("If-Match", "")
        if not header:
            return
        row = self.held()
        if row is not None:
            rows = type(row)._default_manager.select_for_update(of=("self",)).only("pk")
            get_object_or_404(rows, pk=row.pk)
        columns = self.columns()
        if columns is None:
            raise Problem("precondition_failed")
        etags.require_match(header, etags.etag_of(columns))

    def shown(self, request: Request, answer: Answer) -> HttpResponse:
        """Answer a GET; with 304 when the client has it already, before it is made."""
        if answer.columns is not None:
            etag = etags.etag_of(answer.columns)
            answer.headers["ETag"] = etag
            if etags.is_known(request.headers.get("If-None-Match", ""), etag):
                return self.response(None, 304, answer.headers)
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        return self.response(answer.made(), answer.status, answer.headers)

    def accepted(self, answer: Answer, wait: waiting.Wait | None) -> HttpResponse:
        """Answer a change, after waiting for the end of its work when that is wanted."""
        if answer.then:
            answer.then(answer.made())
        if wait and answer.job:
            answer.headers |= wait.for_job(answer.job)
            answer.data = work.told(self.caller, answer.job) or answer.data
        answer.headers.setdefault("Cache-Control", "no-store")
        return self.response(answer.made(), answer.status, answer.headers)

    def listed(
        self,
        page: paging.Page,
        told: Callable[[Any], Any],
        columns: Callable[[list[Any]], Any] | None = None,
    ) -> Answer:
        """Return the answer that is a page of a list, each row told by a function."""
        following = self.following(page.cursor)
        return Answer(
            lambda: {"results": [told(row) for row in page.rows], "next": following},
            headers={"Link": f'<{following}>; rel="next"'} if following else {},
            columns=[columns(page.rows) if columns else page.rows, following],
        )

    def following(self, cursor: str) -> str | None:
        """Return the address of the next page, None when there is none."""
        if not cursor:
            return None
        query = self.request.query_params.copy()
        query["cursor"] = cursor
        url: str = self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")
        return url

    def response(self, data: Any, status: int, headers: dict[str, str]) -> Response:
        return Response(data, status=status, headers=headers)

    def finalize_response(
        self, request: Request, response: HttpResponse, *args: Any, **keys: Any
    ) -> HttpResponse:
        final = super().finalize_response(request, response, *args, **keys)
        for name, value in self.counted.items():
            final.headers.setdefault(name, value)
        patch_vary_headers(final, ("Authorization", "Cookie", "Accept-Language"))
        if final.status_code == 405:
            final.headers["Allow"] = ", ".join(self.allowed_methods)
        return final
