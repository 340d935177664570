"""Makes a call of a request: who calls, in whose name, for what, and in which format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from fabric.odata import atom, jsonfmt
from fabric.odata.binding import bind
from fabric.odata.errors import BadRequest, Forbidden, NotFound, PayloadTooLarge
from fabric.odata.headers import check_tags, check_versions, page_size, preferences, understood
from fabric.odata.literals import parse_guid
from fabric.odata.negotiate import Format, body_format, error_format, pick_format
from fabric.odata.query import format_option
from fabric.odata.schema import Prop
from fabric.odata.uri import QueryOptions, ResourcePath, parse_path, parse_query
from fabric.spf.edm import VMM
from fabric.spf.models import Account, AccountStatus, Tenant
from fabric.spf.schema import Row, Service
from fabric.spf.scope import Scope, load_stamps, stamps_with, with_stamps
from fabric.vmm.models import UserRole
from fabric.vmm.roles import Caller

MAX_BODY: Final = 1_048_576
MAX_PRINCIPAL: Final = 320
TUNNELLED: Final = frozenset({"MERGE", "PUT", "PATCH", "DELETE"})
UPDATES: Final = frozenset({"MERGE", "PUT", "PATCH"})
_STREAMS: Final = {each.type.stream.lower() for each in VMM.sets.values() if each.type.stream}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Call:
    """One request, understood but not yet carried out."""

    request: HttpRequest
    service: Service
    scope: Scope
    path: ResourcePath
    options: QueryOptions
    format: Format
    root: str
    # Of a change set: the addresses of what was made before, by Content-ID.
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def verb(self) -> str:
        """GET, POST, UPDATE or DELETE; whatever else came, as it came."""
        method = _tunnelled(self.request)
        if method in UPDATES:
            return "UPDATE"
        return "GET" if method == "HEAD" else method

    @property
    def version(self) -> int:
        """The newest version of the protocol the caller understands."""
        return understood(self.request.headers.get("MaxDataServiceVersion"))

    def prefers(self, word: str) -> bool:
        """Tell whether the caller stated a preference, `return-content` or `return-no-content`."""
        return word in preferences(self.request.headers.get("Prefer"))

    @property
    def page_size(self) -> int | None:
        """How many entities a page may have, where the caller wants pages."""
        return page_size(preferences(self.request.headers.get("Prefer")))

    def next_link(self, token: str | None) -> str | None:
        """The address of the next page: this one, but for where it begins."""
        if token is None:
            return None
        query = self.request.META.get("QUERY_STRING", "").split("&")
        kept = [each for each in query if each and not _is_token(each)]
        path = quote(self.request.path, safe="/$()',=:;@!*~&+")
        return self.request.build_absolute_uri(
            f"{path}?{'&'.join([*kept, f'$skiptoken={quote(token)}'])}"
        )

    def entry(self, set_name: str) -> Row:
        """The properties in the body, typed by the schema."""
        body = read_body(self.request)
        reader = jsonfmt if _sent_format(self.request, body).is_json else atom
        return reader.read_entry(body, self.service.model, set_name)

    def parameters(self, wanted: tuple[Prop, ...]) -> Row:
        """The parameters of an action in the body; none when there is no body."""
        body = read_body(self.request)
        if not body.strip():
            return {}
        reader = jsonfmt if _sent_format(self.request, body).is_json else atom
        return reader.read_values(body, self.service.model, wanted)

    def link(self) -> str:
        """The address in the body of a request to `$links`."""
        body = read_body(self.request)
        reader = jsonfmt if _sent_format(self.request, body).is_json else atom
        address = reader.read_link(body)
        last = address.rpartition("/")[2]
        return self.references.get(last[1:], address) if last.startswith("$") else address


def answer_format(request: HttpRequest) -> Format:
    """The format of the answer, also when the rest makes no sense; raises NotAcceptable."""
    # What is never told in a format may be asked for in any; its errors are told in one all the
    # same.
    raw = request.path_info.lower().endswith(("/$count", "/$value", "/$metadata", "/$batch"))
    if raw or _is_stream(request):
        return refusal_format(request)
    return pick_format(*_wishes(request))


def refusal_format(request: HttpRequest) -> Format:
    """The format an error is told in, whatever is wrong."""
    # Who opens a console looks for a file of its own kind, else for JSON that says what is wrong.
    return Format.JSON_MINIMAL if _is_stream(request) else error_format(*_wishes(request))


def _is_stream(request: HttpRequest) -> bool:
    last = request.path_info.removesuffix("/$value").rpartition("/")[2]
    return last.lower() in _STREAMS


def _wishes(request: HttpRequest) -> tuple[str | None, str | None, int]:
    wanted = format_option(request.META.get("QUERY_STRING", ""))
    version = understood(request.headers.get("MaxDataServiceVersion"))
    return request.headers.get("Accept"), wanted, version


def understand(
    request: HttpRequest, service: Service, scope: Scope, path: str, format: Format
) -> Call:
    """The call a request makes; raises NotFound or BadRequest."""
    headers = request.headers
    check_versions(headers.get("DataServiceVersion"), headers.get("MaxDataServiceVersion"))
    check_tags(headers.get("If-Match"))
    found = parse_path(path, service.model)
    options = parse_query(request.META.get("QUERY_STRING", ""))
    if found.set is not None and _tunnelled(request) in ("GET", "HEAD"):
        options = bind(service.model, found.set, options, service.filters)
    return Call(
        request=request,
        service=service,
        scope=scope,
        path=found,
        options=options,
        format=format,
        root=scope.root,
    )


def _is_token(pair: str) -> bool:
    return unquote(pair.partition("=")[0]).strip().lower() == "$skiptoken"


def vmm_scope(request: HttpRequest, account: Account, tenant: UUID | None, root: str) -> Scope:
    """Without a tenant the account's own rights in VMM; with one the rights of its user role.

    Only who administers VMM may act as a tenant. Raises Forbidden for others and for a suspended
    tenant, NotFound for one VMM has no role of. One query.
    """
    if tenant is not None and not account.is_vmm_administrator:
        raise Forbidden("The account has no rights in VMM, so it cannot act for a subscription.")
    principal = _principal(request) or account.username
    if tenant is None:
        caller = Caller(is_administrator=account.is_vmm_administrator, principal=principal)
        stamps = load_stamps()
    else:
        role = _role(tenant)
        caller = Caller(role=role, principal=principal)
        stamps = stamps_with(role)
    return Scope(
        account=account,
        caller=caller,
        stamps=stamps,
        tenant=tenant,
        request_key=request_key(request, tenant),
        root=root,
    )


def _role(tenant: UUID) -> Any:
    # Who is in a role inside a tenant's is the tenant's as well.
    suspended = Tenant.objects.filter(
        Q(pk=OuterRef("pk")) | Q(pk=OuterRef("parent")), account_status=AccountStatus.SUSPENDED
    )
    roles = UserRole.objects.with_sight().filter(pk=tenant).annotate(suspended=Exists(suspended))
    role = with_stamps(roles).first()
    if role is None:
        raise NotFound("There is no user role with the subscription's id.")
    if role.suspended:
        raise Forbidden("The subscription is suspended.")
    return role


def _principal(request: HttpRequest) -> str:
    """The human named by the header, URL-encoded or not."""
    raw = request.headers.get("x-ms-principal-id", "")
    name = unquote(raw.encode("latin-1", "replace").decode("utf-8", "replace")).strip()
    if len(name) > MAX_PRINCIPAL or _CONTROL.search(name):
        raise BadRequest("The header x-ms-principal-id names nobody.")
    return name


def request_key(request: HttpRequest, tenant: UUID | None) -> str:
    """What is the same for a call and its repeat; nothing where the caller does not say."""
    try:
        given = parse_guid(request.headers.get("x-ms-client-request-id", ""))
    except ValueError:
        return ""
    return f"{tenant or 'administrator'}:{given}"


def _tunnelled(request: HttpRequest) -> str:
    method = str(request.method).upper()
    wanted = {
        request.headers.get(name, "").strip().upper()
        for name in ("X-HTTP-Method", "X-HTTP-Method-Override")
    } - {""}
    if method != "POST" or not wanted:
        return method
    # Taking it for the POST it came as would make what was to be changed.
    if len(wanted) > 1 or not wanted <= TUNNELLED:
        raise BadRequest("The header X-HTTP-Method takes one of PUT, MERGE, PATCH and DELETE.")
    return wanted.pop()


def read_body(request: HttpRequest) -> bytes:
    """The body, whether its length was announced or not; raises PayloadTooLarge."""
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise PayloadTooLarge("The body is longer than one megabyte.")
    return bytes(body)


def _sent_format(request: HttpRequest, body: bytes) -> Format:
    if request.content_type:
        return body_format(request.headers.get("Content-Type"))
    # Some scripts forget to say what they send.
    return Format.ATOM if body.lstrip()[:1] == b"<" else Format.JSON_MINIMAL
