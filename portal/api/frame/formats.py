"""JSON in, JSON out, nothing else: read strictly, written fast."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from portal.problems import MEDIA_TYPE, Problem

DEEPEST = 20
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonParser(BaseParser):
    """RFC 8259 without its leniences: a name twice, NaN or half a character is no JSON."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        return loads(body_of(parser_context["request"]))


class JsonRenderer(BaseRenderer):
    """Compact JSON in UTF-8."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else dumps(data).encode()


class OnlyJson(BaseContentNegotiation):
    """Anybody who accepts JSON, or says nothing, is answered."""

    def select_parser(self, request: Request, parsers: Sequence[Any]) -> Any:
        named = (request.content_type or "").partition(";")[0].strip().lower()
        return parsers[0] if named in ("application/json", "application/merge-patch+json") else None

    def select_renderer(
        self, request: Request, renderers: Sequence[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


def require_json_accepted(request: Request) -> None:
    """Raise the problem of a client that accepts no JSON."""
    accepted = request.headers.get("Accept", "").lower()
    ranges = [part.partition(";")[0].strip() for part in accepted.split(",") if part.strip()]
    known = {"*/*", "application/*", "application/json", MEDIA_TYPE}
    if ranges and not known.intersection(ranges):
        raise Problem("not_acceptable")


def body_of(request: Request) -> bytes:
    """Return the body's bytes, or raise the problem of one that cannot be had."""
    meta = request.META
    if "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower() and not meta.get(
        "CONTENT_LENGTH"
    ):
        raise Problem("length_required")
    try:
        body: bytes = request._request.body
    except RequestDataTooBig:
        raise Problem("too_large")
    except UnreadablePostError:
        raise Problem("malformed", _("The body ended early."))
    return body


def loads(body: bytes) -> Any:
    """Return what a JSON text says, or raise the problem of one that is none."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError:
        raise Problem("malformed", _("The body is not UTF-8."))
    except RecursionError:
        raise Problem("malformed", _("The body is nested too deeply."))
    except json.JSONDecodeError as error:
        where = {"line": error.lineno, "column": error.colno}
        raise Problem("malformed", _("Not JSON: line %(line)d, column %(column)d.") % where)
    except ValueError:
        raise Problem("malformed", _("The body holds a number that is none, or too long."))
    if _is_deeper(value, DEEPEST):
        raise Problem("malformed", _("The body is nested too deeply."))
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Problem("malformed", _("The body holds half a character."))
    return value


def dumps(data: Any) -> str:
    """Return JSON; times in UTC with a Z."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=_plain)


def moment(at: datetime | None) -> str | None:
    """Return a time as JSON holds it."""
    if at is None:
        return None
    # The database gives UTC, and there are hundreds in a list.
    told = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()
    return f"{told[:-6]}Z"


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise Problem("malformed", _("“%(name)s” is given twice.") % {"name": name[:100]})
        made[name] = value
    return made


def _constant(word: str) -> Any:
    raise ValueError(word)


def _is_deeper(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if left == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_is_deeper(one, left - 1) for one in inner)
