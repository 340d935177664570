"""The description of the interface (OpenAPI 3.1), made from what endpoints say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from threading import Lock
from typing import Any

from django.conf import settings
from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import patched_settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from fabric.states import NEEDS_BESIDES, POSSIBLE
from portal.api.frame.fields import Given, Shape
from portal.api.frame.waiting import Waited
from portal.problems import KINDS, MEDIA_TYPE

_making = Lock()
UNSAFE = ("POST", "PATCH", "PUT", "DELETE")
# Every answer can be one of these, and of the changing ones also one of those.
ALWAYS = ("bad_parameter", "unauthenticated", "not_acceptable", "too_many_requests")
CHANGING = (
    "not_permitted",
    "missing_scope",
    "not_possible",
    "conflict",
    "precondition_failed",
    "unsupported_media_type",
    "invalid",
    "refused",
)
INTRODUCTION = """Everything a tenant can do on the pages of this portal, for programs.

Send an API key with every request: `Authorization: Bearer katal_…`. Long work is answered with 202
and the operation that does it; `wait` lets the answer come when it has ended. Errors are problem
documents (RFC 9457). See the guide in `docs/api.md` and the pages below `/api/v1/docs/`.
"""


class FaultShape(Shape):
    """One thing at fault: a field of the body, a parameter or a header."""

    detail = serializers.CharField()
    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body.")
    parameter = serializers.CharField(required=False, help_text="Name of a query parameter.")
    header = serializers.CharField(required=False, help_text="Name of a header.")


class ProblemShape(Shape):
    """An error (RFC 9457)."""

    type = serializers.URLField(help_text="Where this kind of problem is explained.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The address that was asked.")
    code = serializers.ChoiceField(choices=sorted(KINDS))
    errors = FaultShape(many=True, required=False)
    reference = serializers.CharField(required=False, help_text="To tell us, when it is our fault.")
    missing_scope = serializers.CharField(required=False, help_text="What the API key lacks.")
    reason = serializers.CharField(required=False, help_text="Why, in one word.")
    resource = serializers.CharField(required=False, help_text="The quota that does not suffice.")
    limit = serializers.IntegerField(required=False)
    used = serializers.IntegerField(required=False)
    wanted = serializers.IntegerField(required=False)


class Description(AutoSchema):
    """Read an endpoint's own words."""

    @property
    def operation(self) -> Any:
        return getattr(getattr(self.view, self.method.lower(), None), "operation", None)

    def is_excluded(self) -> bool:
        return self.operation is None

    def get_operation_id(self) -> str:
        return re.sub(r"\W+", "_", self.operation.summary.lower()).strip("_")

    def get_tags(self) -> list[str]:
        return [self.operation.tag or self.view.tag]

    def get_summary(self) -> str:
        return str(self.operation.summary)

    def get_description(self) -> str:
        said = [self.operation.text] if self.operation.text else []
        needed = scopes_of(self.operation)
        if needed:
            said.append(f"An API key needs the scope {', '.join(f'`{one}`' for one in needed)}.")
        return "\n\n".join(said)

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{"apiKey": []}, {"session": []}]

    def get_request_serializer(self) -> Any:
        takes = self.operation.takes
        return None if self.method not in UNSAFE or not takes().fields else takes

    def get_override_parameters(self) -> list[Any]:
        return [*self._queries(), *self._request_headers(), *self._answer_headers()]

    def get_response_serializers(self) -> dict[Any, Any]:
        one = self.operation
        gives = page_of(one.gives) if one.many else one.gives
        told: dict[Any, Any] = {one.status: _response(one.status, gives)}
        for status, shape in one.also.items():
            told[status] = _response(status, shape)
        if self.operation.etag:
            told[304] = OpenApiResponse(None, "You have it already.")
        by_status: dict[int, list[str]] = {}
        for code in self.refusals():
            by_status.setdefault(KINDS[code].status, []).append(code)
        for status in sorted(by_status):
            words = "; ".join(f"`{c}`: {KINDS[c].title}" for c in by_status[status])
            told[(status, MEDIA_TYPE)] = OpenApiResponse(ProblemShape, words)
        return told

    def refusals(self) -> list[str]:
        """Return the codes of the problems that this operation can answer."""
        codes = [*ALWAYS, *self.operation.refuses]
        if "{" in self.path:
            codes.append("not_found")
        if self.method in UNSAFE:
            codes += CHANGING
            if self.operation.takes().fields:
                codes += ["malformed", "too_large", "length_required"]
        if self.method == "POST":
            codes += ["in_flight", "key_reused"]
        return [code for code in KINDS if code in codes]

    def get_examples(self) -> list[OpenApiExample]:
        example = self.operation.example
        return [OpenApiExample("Request", example, request_only=True)] if example else []

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        return type(serializer).__name__.removesuffix("Shape")

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, Given):
            schema["additionalProperties"] = False
        return schema

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def _queries(self) -> Iterator[Any]:
        if self.operation.asks:
            yield self.operation.asks
        if self.operation.can_wait:
            yield Waited

    def _request_headers(self) -> Iterator[OpenApiParameter]:
        if self.method == "POST":
            yield _header(
                "Idempotency-Key",
                "The same request with the same key is done once; its answer is kept for 24 hours.",
            )
        if self.operation.etag:
            yield _header("If-None-Match", "The ETag of an earlier answer.")
        if self.method in UNSAFE and self.view.is_conditional:
            yield _header("If-Match", "The ETag of an earlier answer: change only what it was of.")
        if self.operation.can_wait:
            yield _header("Prefer", "`wait=10` waits for the end, as `?wait=10` does.")

    def _answer_headers(self) -> Iterator[OpenApiParameter]:
        yield _header("RateLimit-Policy", "How many requests a minute are served.", [200, 202])
        yield _header("RateLimit", "What is left of them.", [200, 202])
        yield _header("Retry-After", "Seconds.", [429])
        if self.operation.etag:
            yield _header("ETag", "Changes with the answer.", [200])
        if self.operation.many:
            yield _header("Link", "The next page, as `next` in the body.", [200])
        if self.operation.status == 201:
            yield _header("Location", "What was made.", [201])
        elif self.operation.can_wait:
            yield _header("Location", "The operation.", [202])
        if self.method == "POST":
            words = "`true` when this answer was kept from before."
            yield _header("Idempotency-Replayed", words, [self.operation.status])


def scopes_of(operation: Any) -> tuple[str, ...]:
    """Return what an API key needs for an operation."""
    if operation.verb:
        return (POSSIBLE[operation.verb][1], *NEEDS_BESIDES.get(operation.verb, ()))
    return (operation.scope,) if operation.scope else ()


@lru_cache(maxsize=64)
def page_of(shape: type[Shape]) -> type[Shape]:
    """Return the shape of a page of a list."""
    name = shape.__name__.removesuffix("Shape")
    members = {
        "__doc__": f"A page of a list: {name}.",
        "results": shape(many=True),
        "next": serializers.URLField(
            allow_null=True, help_text="The next page; null on the last one."
        ),
    }
    return type(f"{name}PageShape", (Shape,), members)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the description, in English whoever asks. Made once a process."""
    patches = {
        "TITLE": "Katal tenant API",
        "VERSION": "1.0.0",
        "DESCRIPTION": INTRODUCTION,
        "OAS_VERSION": "3.1.0",
        "SCHEMA_PATH_PREFIX": "/api/v1",
        "COMPONENT_SPLIT_PATCH": False,
        "COMPONENT_SPLIT_REQUEST": False,
        "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
        "POSTPROCESSING_HOOKS": [],
        "SERVERS": [{"url": settings.TENANT_SITE_URL}],
        "APPEND_COMPONENTS": {
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of one's account: `katal_…`.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": settings.SESSION_COOKIE_NAME,
                    "description": "A signed-in browser; changes need the header X-CSRFToken.",
                },
            }
        },
    }
    with _making, override("en"), patched_settings(patches):
        made: dict[str, Any] = SchemaGenerator(urlconf="portal.urls.tenant").get_schema(public=True)
    return made


def _response(status: int, shape: type[Shape] | None) -> OpenApiResponse:
    words = {
        200: "Done.",
        201: "Made.",
        202: "Begun: the operation tells how it goes.",
        204: "Done.",
    }
    return OpenApiResponse(shape, words.get(status, ""))


def _header(name: str, words: str, statuses: list[int] | None = None) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description=words,
        response=statuses or False,
    )


__all__ = ["Description", "FaultShape", "ProblemShape", "document", "page_of"]
