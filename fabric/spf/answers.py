"""Builds the HTTP answers, every header of which some client reads."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import DatabaseError, OperationalError
from django.http import HttpResponse

from fabric.odata import atom, errorbody, jsonfmt, metadata
from fabric.odata.errors import ODataError
from fabric.odata.literals import to_xml_text
from fabric.odata.negotiate import Format, Kind, content_type
from fabric.odata.schema import EntitySet, Model
from fabric.odata.shape import resolve
from fabric.odata.xml import DATA, DECLARATION, METADATA, escape
from fabric.spf.calls import Call
from fabric.spf.reading import Page
from fabric.spf.schema import Row
from fabric.vmm import errors as vmm

log = logging.getLogger(__name__)

REALM: Final = "Service Provider Foundation"
_STATUS: Final[dict[type[vmm.VMMError], int]] = {
    vmm.Denied: 403,
    vmm.NotFound: 404,
    vmm.Conflict: 409,
    vmm.WrongState: 409,
    vmm.NoSuitableHost: 409,
    vmm.NoFreeAddress: 409,
}


def finish(response: HttpResponse, job_id: UUID | None = None) -> HttpResponse:
    """Add what every answer carries; the id is the job's where there is one."""
    if "x-ms-request-id" not in response:
        response["x-ms-request-id"] = str(job_id or uuid4())
    response["request-id"] = str(uuid4())
    response["Cache-Control"] = "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    if "DataServiceVersion" not in response:
        response["DataServiceVersion"] = "3.0;" if response.content else "1.0;"
    # Refusals are everyday traffic and our own trouble is logged already, in `broken`.
    response._has_been_logged = True
    if not response.content:
        # Django calls every answer HTML; one without a body is nothing.
        del response["Content-Type"]
    return response


def feed(call: Call, entity_set: EntitySet, page: Page) -> HttpResponse:
    """Many entities."""
    body = _writer(call).feed(
        call.service.model,
        entity_set.name,
        page.rows,
        root=call.root,
        fmt=call.format,
        count=page.count,
        expand=call.options.expand,
        select=call.options.select,
    )
    return _answer(call, body, "feed")


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


def links(call: Call, owner: EntitySet, name: str, urls: Sequence[str]) -> HttpResponse:
    """The addresses of related entities."""
    body = _writer(call).links(owner.name, name, urls, root=call.root, fmt=call.format)
    kind = call.format.is_json
    response = _answer(call, body, "feed")
    if not kind:
        response["Content-Type"] = "application/xml;charset=utf-8"
    return response


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


def member(call: Call, entity_set: EntitySet, name: str, row: Row) -> HttpResponse:
    """One property: raw for `$value`, else wrapped as the format wraps it."""
    prop = entity_set.type.prop(name)
    assert prop is not None
    value = row.get(name)
    if call.path.is_value:
        if value is None:
            raise ODataError(f"{name} has no value.", status=404)
        return plain(to_xml_text(value, prop.item_type))
    if call.format.is_json:
        shown = json.loads(
            jsonfmt.entry(
                call.service.model,
                entity_set.name,
                row,
                root=call.root,
                fmt=Format.JSON_NONE,
                select=(name,),
            )
        )
        body = {
            "odata.metadata": f"{call.root}$metadata#{call.service.model.type_name(prop)}",
            "value": shown[name],
        }
        return _answer(call, json.dumps(body).encode(), "entry")
    if prop.is_collection or prop.complex_name:
        raise ODataError("This property is told in JSON only.", status=406)
    inside = ' m:null="true" />' if value is None else f">{_text(value, prop.type)}</d:{name}>"
    body_text = f'{DECLARATION}<d:{name} xmlns:d="{DATA}" xmlns:m="{METADATA}"{inside}'
    return HttpResponse(body_text.encode(), content_type="application/xml;charset=utf-8")


def array() -> HttpResponse:
    """An empty list of the services that are no OData."""
    return finish(HttpResponse(b"[]", content_type="application/json;charset=utf-8"))


def refused(error: ODataError, format: Format) -> HttpResponse:
    """An error the caller may read."""
    body, kind = errorbody.write(error, format)
    return finish(HttpResponse(body, status=error.status, content_type=kind))


def challenge(retry_after: int | None) -> HttpResponse:
    """401: say who you are."""
    response = HttpResponse(status=401)
    response["WWW-Authenticate"] = f'Basic realm="{REALM}"'
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return finish(response)


def of_vmm(error: vmm.VMMError) -> ODataError:
    """VMM's refusal in the words of this protocol."""
    message = f"{error.message} {error.advice}".strip()
    return ODataError(message, code=error.code, status=_STATUS.get(type(error), 400))


def broken(error: Exception, format: Format) -> HttpResponse:
    """Our own trouble, logged once under the number the caller gets.

    The text of a database error may hold what somebody sent, so only its kind is logged.
    """
    reference = uuid4().hex[:8]
    told = type(error).__name__ if isinstance(error, DatabaseError) else repr(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("request broke, reference %s: %s\n%s", reference, told, frames)
    away = isinstance(error, OperationalError)
    response = refused(
        ODataError(
            f"Something broke on our side (reference {reference}).", status=503 if away else 500
        ),
        format,
    )
    if away:
        response["Retry-After"] = "5"
    return response


def _writer(call: Call) -> Any:
    return jsonfmt if call.format.is_json else atom


def _answer(call: Call, body: bytes, kind: Kind, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type=content_type(call.format, kind))


def _text(value: object, edm_type: str) -> str:
    return escape(to_xml_text(value, edm_type))
