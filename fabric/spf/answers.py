"""Builds the HTTP answers, every header of which some client reads."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID, uuid4

from django.db import DatabaseError, OperationalError
from django.http import HttpResponse, StreamingHttpResponse

from fabric.odata import atom, errorbody, jsonfmt, metadata
from fabric.odata.errors import ODataError, PayloadTooLarge
from fabric.odata.literals import to_xml_text
from fabric.odata.negotiate import Format, Kind, content_type
from fabric.odata.schema import EntitySet, Model
from fabric.odata.shape import resolve
from fabric.spf import readiness
from fabric.spf.calls import Call
from fabric.spf.delivery import Broken
from fabric.spf.schema import Media, Row
from fabric.vmm import errors as vmm

log = logging.getLogger(__name__)

AnyResponse: TypeAlias = HttpResponse | StreamingHttpResponse
_Response = TypeVar("_Response", HttpResponse, StreamingHttpResponse, AnyResponse)

REALM: Final = "Service Provider Foundation"
# An answer up to this is made before it begins, so that trouble in it is still told as such.
WHOLE: Final = 262_144
# Rows written at once: less would cost time, more would cost memory.
PORTION: Final = 100
_STATUS: Final[dict[type[vmm.VMMError], int]] = {
    vmm.Denied: 403,
    vmm.NotFound: 404,
    vmm.Conflict: 409,
    vmm.WrongState: 409,
    vmm.NoSuitableHost: 409,
    vmm.NoFreeAddress: 409,
}


def finish(response: _Response, job_id: UUID | None = None) -> _Response:
    """Add what every answer carries; the id is the job's where there is one."""
    if "x-ms-request-id" not in response:
        response["x-ms-request-id"] = str(job_id or uuid4())
    response["request-id"] = str(uuid4())
    response["Cache-Control"] = "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    has_body = response.streaming or bool(response.content)
    if "DataServiceVersion" not in response:
        response["DataServiceVersion"] = "3.0;" if has_body else "1.0;"
    # Refusals are everyday traffic and our own trouble is logged already, in `broken`.
    response._has_been_logged = True
    if not has_body:
        # Django calls every answer HTML; one without a body is nothing.
        del response["Content-Type"]
    return response


def feed(
    call: Call,
    entity_set: EntitySet,
    chunks: Iterable[Sequence[Row]],
    count: int | None = None,
    next_link: str | None = None,
) -> AnyResponse:
    """Many entities: as a whole when they are few, else written while they are read."""
    options = call.options
    shape = resolve(
        call.service.model, entity_set.name, options.expand, options.select, call.version
    )
    parts = _writer(call).feed_parts(
        shape,
        _portions(chunks),
        root=call.root,
        fmt=call.format,
        count=count,
        next_link=lambda: next_link,
    )
    kind = content_type(call.format, "feed")
    first, is_all = _first_of(parts)
    if is_all:
        return HttpResponse(first, content_type=kind)
    return StreamingHttpResponse(_streamed(first, parts), content_type=kind)


def _portions(chunks: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    for rows in chunks:
        for start in range(0, len(rows), PORTION):
            yield rows[start : start + PORTION]


def _first_of(parts: Iterator[bytes]) -> tuple[bytes, bool]:
    """What is written before the answer begins, and whether that is all of it."""
    found: list[bytes] = []
    size = 0
    for part in parts:
        found.append(part)
        size += len(part)
        if size > WHOLE:
            return b"".join(found), False
    return b"".join(found), True


def _streamed(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    """The rest of an answer that has begun: trouble can only be logged, and ends it too early."""
    try:
        yield first
        yield from parts
    except Exception as error:
        raise Broken(_log(error, "answer broke off")) from None


def whole(response: AnyResponse, most: int) -> HttpResponse:
    """The answer in one piece, for who needs it so; raises PayloadTooLarge."""
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in response:
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise PayloadTooLarge("The answers grow too long; ask for less at a time.")
    except Broken as error:
        broke = f"Something broke on our side (reference {error})."
        raise ODataError(broke, status=500) from None
    # It is not closed: for Django that ends the whole call, with its connection to the database.
    found = HttpResponse(b"".join(pieces), status=response.status_code)
    found.headers = response.headers
    return found


def entry(call: Call, entity_set: EntitySet, row: Row, *, status: int = 200) -> HttpResponse:
    """One entity."""
    # What was just made is shown whole: a select in the URL of a POST is nobody's wish.
    reading = call.verb == "GET"
    body = _writer(call).entry(
        call.service.model,
        entity_set.name,
        row,
        root=call.root,
        fmt=call.format,
        expand=call.options.expand if reading else (),
        select=call.options.select if reading else None,
        version=call.version,
    )
    return _answer(call, body, "entry", status)


def created(call: Call, entity_set: EntitySet, row: Row, job_id: UUID | None) -> HttpResponse:
    """201 with the entity, or 204 for who wants no content."""
    if call.prefers("return-no-content"):
        response = no_content(job_id)
        response["Preference-Applied"] = "return-no-content"
    else:
        response = finish(entry(call, entity_set, row, status=201), job_id)
    url = resolve(call.service.model, entity_set.name, (), None).url(row)
    response["Location"] = response["DataServiceId"] = f"{call.root}{url}"
    return response


def no_content(job_id: UUID | None = None) -> HttpResponse:
    """204."""
    return finish(HttpResponse(status=204), job_id)


def links(
    call: Call,
    owner: EntitySet,
    name: str,
    urls: Sequence[str],
    count: int | None = None,
    next_link: str | None = None,
) -> HttpResponse:
    """The addresses of related entities."""
    body = _writer(call).links(
        owner.name,
        name,
        urls,
        root=call.root,
        fmt=call.format,
        count=count,
        next_link=next_link,
    )
    return _plain_xml(call, body)


def link(call: Call, owner: EntitySet, name: str, url: str) -> HttpResponse:
    """The address of the one related entity."""
    return _plain_xml(
        call, _writer(call).link(owner.name, name, url, root=call.root, fmt=call.format)
    )


def service_document(call: Call) -> HttpResponse:
    """The list of sets."""
    body = _writer(call).service_document(call.service.model, root=call.root, fmt=call.format)
    return _answer(call, body, "service")


_documents: dict[Model, bytes] = {}


def metadata_document(model: Model) -> HttpResponse:
    """The description of the service, written once a process."""
    if model not in _documents:
        _documents[model] = metadata.document(model)
    return HttpResponse(_documents[model], content_type="application/xml;charset=utf-8")


def plain(text: str) -> HttpResponse:
    """A count or a raw value."""
    return HttpResponse(text, content_type="text/plain;charset=utf-8")


def member(call: Call, row: Row) -> HttpResponse:
    """One property: raw for `$value`, else wrapped as the format wraps it."""
    value: Any = row
    for prop in call.path.members:
        value = None if value is None else value.get(prop.name)
    if call.path.is_value:
        if value is None:
            raise ODataError(f"{prop.name} has no value.", status=404)
        return plain(to_xml_text(value, prop.item_type))
    body = _writer(call).property_value(
        call.service.model, prop, value, root=call.root, fmt=call.format, version=call.version
    )
    return _plain_xml(call, body)


def media(found: Media) -> HttpResponse:
    """A file."""
    return HttpResponse(found.content, content_type=found.content_type)


def refused(error: ODataError, format: Format) -> HttpResponse:
    """An error the caller may read."""
    body, kind = errorbody.write(error, format)
    return finish(HttpResponse(body, status=error.status, content_type=kind))


def challenge(retry_after: int | None, format: Format | None = None) -> HttpResponse:
    """401: say who you are; in words where a format was asked for."""
    unknown = ODataError("Say who you are, with HTTP Basic.", status=401)
    response = HttpResponse(status=401) if format is None else refused(unknown, format)
    response["WWW-Authenticate"] = f'Basic realm="{REALM}"'
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return finish(response)


def of_vmm(error: vmm.VMMError) -> ODataError:
    """VMM's refusal in the words of this protocol."""
    message = f"{error.message} {error.advice}".strip()
    return ODataError(message, code=error.code, status=_STATUS.get(type(error), 400))


def broken(error: Exception, format: Format) -> HttpResponse:
    """Our own trouble, logged once under the number the caller gets."""
    reference = _log(error, "request broke")
    cause = readiness.cause(error)
    away = isinstance(error, OperationalError) or bool(cause)
    said = f"{cause or 'Something broke on our side'} (reference {reference})."
    response = refused(ODataError(said, status=503 if away else 500), format)
    if away:
        response["Retry-After"] = "5"
    return response


def _log(error: Exception, what: str) -> str:
    """Log our own trouble; return the number it is logged under.

    The text of a database error may hold what somebody sent, so only its kind is logged.
    """
    reference = uuid4().hex[:8]
    told = type(error).__name__ if isinstance(error, DatabaseError) else repr(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s, reference %s: %s\n%s", what, reference, told, frames)
    return reference


def _writer(call: Call) -> Any:
    return jsonfmt if call.format.is_json else atom


def _answer(call: Call, body: bytes, kind: Kind, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type=content_type(call.format, kind))


def _plain_xml(call: Call, body: bytes) -> HttpResponse:
    """What has a form of its own in JSON, and is no Atom otherwise."""
    response = _answer(call, body, "entry")
    if not call.format.is_json:
        response["Content-Type"] = "application/xml;charset=utf-8"
    return response
