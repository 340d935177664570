"""The one door of each service: sign in, check the group, understand the call, carry it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from fabric.odata.errors import (
    BadRequest,
    Forbidden,
    MethodNotAllowed,
    NotFound,
)
from fabric.odata.literals import parse_guid
from fabric.odata.negotiate import Format
from fabric.odata.shape import resolve
from fabric.odata.uri import Kind, ResourcePath, parse_path
from fabric.spf import answers, batch
from fabric.spf.accounts import sign_in
from fabric.spf.answers import AnyResponse
from fabric.spf.calls import Call, answer_format, refusal_format, understand, vmm_scope
from fabric.spf.guarding import guarded
from fabric.spf.models import Account, Group
from fabric.spf.paging import MAX_PAGE
from fabric.spf.reading import Place, Reader
from fabric.spf.scope import Scope
from fabric.spf.services import ADMIN_SERVICE, VMM_SERVICE
from fabric.spf.writing import Writer

Work = Callable[[Account, Format], AnyResponse]


@csrf_exempt
def admin_service(request: HttpRequest, root: str, path: str) -> AnyResponse:
    """Stamps, servers and tenants."""

    def work(account: Account, format: Format) -> AnyResponse:
        scope = Scope(account=account, root=request.build_absolute_uri(f"/{root}/"))
        return _carry_out(understand(request, ADMIN_SERVICE, scope, path, format))

    return _guarded(request, Group.ADMIN, work)


@csrf_exempt
def vmm_service(
    request: HttpRequest, root: str, path: str, before: str | None = None, after: str | None = None
) -> AnyResponse:
    """VMM for its administrators; for one user role where the URL names a subscription."""

    def work(account: Account, format: Format) -> AnyResponse:
        given = before or after
        tenant: UUID | None = parse_guid(given) if given else None
        address = request.build_absolute_uri(f"/{root}/")
        scope = vmm_scope(request, account, tenant, address)
        return _carry_out(understand(request, VMM_SERVICE, scope, path, format))

    return _guarded(request, Group.VMM, work)


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Any other address."""
    return answers.refused(
        NotFound("There is no service at this address."), refusal_format(request)
    )


def _guarded(request: HttpRequest, group: str, work: Work) -> AnyResponse:
    def signed_in() -> AnyResponse:
        account = sign_in(request.headers.get("Authorization"), request.META["REMOTE_ADDR"])
        format = answer_format(request)
        if not account.has(group):
            raise Forbidden(f"The account is not a member of {group}.")
        return work(account, format)

    return guarded(request, signed_in)


def _carry_out(call: Call) -> AnyResponse:
    if call.path.is_batch:
        return batch.carry_out(call, _carry_out)
    if call.verb == "GET":
        return _read(call)
    if call.path.set is None or call.path.members or call.path.stream:
        raise MethodNotAllowed("This resource is only read.")
    if call.path.action:
        return _act(call, call.path.action)
    if call.path.is_links:
        return _write_link(call)
    return _write(call)


def _read(call: Call) -> AnyResponse:
    if call.path.is_service_document:
        return answers.service_document(call)
    if call.path.is_metadata:
        return answers.metadata_document(call.service.model)
    if call.path.action:
        raise MethodNotAllowed(f"{call.path.action} takes POST.")
    reader = Reader(call.service, call.scope)
    place = reader.place(call.path)
    if call.path.stream:
        show = call.service.resource(place.set).streams.get(call.path.stream)
        if show is None:
            raise NotFound(f"{place.set.name} has no {call.path.stream} here.")
        found = Writer(call.service, call.scope).found(place)
        return answers.media(show(call.scope, found))
    if call.path.members:
        return answers.member(call, reader.one(place))
    if call.path.is_links:
        return _read_links(call, reader, place)
    # Refuses names the type does not have before anything is read for them.
    resolve(call.service.model, place.set.name, call.options.expand, call.options.select)
    if place.is_single and not call.path.is_count:
        row = reader.one(place)
        reader.expand(place.set, [row], call.options.expand)
        return answers.entry(call, place.set, row)
    if call.path.is_count:
        counting = replace(call.options, inlinecount=True, top=0, skip=None, skiptoken=None)
        return answers.plain(str(reader.page(place, counting).count))
    page = reader.page(place, call.options, call.page_size)
    chunks = reader.chunks(place.set, page.rows, call.options.expand)
    further = call.next_link(page.token)
    return _paged(call, answers.feed(call, place.set, chunks, page.count, further))


def _paged(call: Call, response: AnyResponse) -> AnyResponse:
    if call.page_size is not None:
        response["Preference-Applied"] = f"odata.maxpagesize={min(call.page_size, MAX_PAGE)}"
    return response


def _read_links(call: Call, reader: Reader, place: Place) -> AnyResponse:
    owner = call.path.entities[-2].set
    assert owner is not None
    shape = resolve(call.service.model, place.set.name, (), None)
    if place.is_single:
        url = call.root + shape.url(reader.one(place))
        return answers.link(call, owner, place.segment, url)
    page = reader.page(place, call.options, call.page_size)
    urls = [call.root + url for url in shape.urls(list(page.rows))]
    further = call.next_link(page.token)
    return _paged(call, answers.links(call, owner, place.segment, urls, page.count, further))


def _write(call: Call) -> HttpResponse:
    reader, writer = Reader(call.service, call.scope), Writer(call.service, call.scope)
    place = reader.place(call.path)
    if call.verb == "POST":
        if place.is_single or len(call.path.entities) > 1:
            raise MethodNotAllowed("New entities are posted to their set.")
        written = writer.create(place, call.entry(place.set.name))
        row = writer.row(place.set, written.found)
        return answers.created(call, place.set, row, written.job_id)
    if call.verb not in ("UPDATE", "DELETE") or not place.is_single:
        raise MethodNotAllowed("This resource does not take the verb.")
    if call.verb == "DELETE":
        return answers.no_content(writer.delete(place))
    job_id = writer.update(place, call.entry(place.set.name))
    if not call.prefers("return-content"):
        return answers.no_content(job_id)
    response = answers.entry(call, place.set, reader.one(place))
    response["Preference-Applied"] = "return-content"
    return answers.finish(response, job_id)


def _act(call: Call, name: str) -> HttpResponse:
    """POST on an action bound to one entity."""
    if call.verb != "POST":
        raise MethodNotAllowed(f"{name} takes POST.")
    reader, writer = Reader(call.service, call.scope), Writer(call.service, call.scope)
    place = reader.place(call.path)
    action = writer.action(place, name)
    body = call.parameters(place.set.type.parameters_of(name))
    return answers.no_content(writer.act(place, action, body))


def _write_link(call: Call) -> HttpResponse:
    """POST joins the entity whose address is in the body; DELETE parts the one in the path.

    What there is one of is joined by PUT, and parted without a key.
    """
    reader, writer = Reader(call.service, call.scope), Writer(call.service, call.scope)
    *before, last = call.path.entities
    owner = reader.place(ResourcePath(tuple(before)))
    link = writer.link(owner, last.name)
    assert last.set is not None
    found = writer.found(owner)
    is_one = last.keys is None and call.path.is_single
    if call.verb == "DELETE" and is_one:
        link.remove(call.scope, found, writer.found(reader.place(call.path)))
    elif call.verb == "DELETE" and last.keys is not None:
        link.remove(call.scope, found, writer.found(_place_of(call, last.set.name, last.keys)))
    elif call.verb == ("UPDATE" if is_one else "POST") and last.keys is None:
        target = _linked(call, last.set.name)
        link.add(call.scope, found, writer.found(_place_of(call, last.set.name, target)))
    else:
        raise MethodNotAllowed("Links are posted to the navigation and deleted by key.")
    return answers.no_content()


def _place_of(call: Call, set_name: str, keys: dict[str, Any]) -> Place:
    entity_set = call.service.model.set(set_name)
    wanted = {name: [value] for name, value in keys.items()}
    return Place(entity_set, wanted, True, set_name)


def _linked(call: Call, set_name: str) -> dict[str, Any]:
    """The key in the address of an entity of this service, absolute or relative."""
    address = call.link()
    path = parse_path(unquote(address.rpartition("/")[2]), call.service.model)
    segment = path.segments[0] if len(path.segments) == 1 else None
    if segment is None or segment.kind is not Kind.SET or not segment.keys:
        raise BadRequest("The 'url' is not the address of an entity.")
    if segment.name != set_name:
        raise BadRequest(f"The 'url' is not the address of one of {set_name}.")
    return segment.keys
