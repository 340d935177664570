"""Makes a call of a request: who calls, in whose name, for what, and in which format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from fabric.odata import atom, jsonfmt
from fabric.odata.errors import BadRequest, Forbidden, NotFound, PayloadTooLarge
from fabric.odata.literals import parse_guid
from fabric.odata.negotiate import Format, body_format, pick_format, understood_version
from fabric.odata.schema import Prop
from fabric.odata.uri import QueryOptions, ResourcePath, parse_path, parse_query
from fabric.spf.models import Account, AccountStatus, Tenant
from fabric.spf.schema import Row, Service
from fabric.spf.scope import Scope, load_stamps
from fabric.vmm.models import UserRole
from fabric.vmm.roles import Caller

MAX_BODY: Final = 1_048_576
MAX_PRINCIPAL: Final = 320
TUNNELLED: Final = frozenset({"MERGE", "PUT", "PATCH", "DELETE"})
UPDATES: Final = frozenset({"MERGE", "PUT", "PATCH"})
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

    @property
    def verb(self) -> str:
        """GET, POST, UPDATE or DELETE; whatever else came, as it came."""
        method = _tunnelled(self.request)
        if method in UPDATES:
            return "UPDATE"
        return "GET" if method == "HEAD" else method

    def prefers(self, word: str) -> bool:
        """Tell whether the caller stated a preference, `return-content` or `return-no-content`."""
        stated = self.request.headers.get("Prefer", "").lower().split(",")
        return word in {each.partition(";")[0].strip() for each in stated}

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
        return reader.read_link(body)


def answer_format(request: HttpRequest) -> Format:
    """The format of the answer, also when the rest makes no sense; raises NotAcceptable."""
    version = understood_version(request.headers.get("MaxDataServiceVersion"))
    # What is answered as plain text is asked for as plain text; its errors have no say in that.
    raw = request.path_info.endswith(("/$count", "/$value"))
    accept = None if raw else request.headers.get("Accept")
    return pick_format(accept, request.GET.get("$format"), version)


def understand(
    request: HttpRequest, service: Service, scope: Scope, path: str, format: Format
) -> Call:
    """The call a request makes; raises NotFound or BadRequest."""
    return Call(
        request=request,
        service=service,
        scope=scope,
        path=parse_path(path, service.model),
        options=parse_query(request.META.get("QUERY_STRING", "")),
        format=format,
        root=scope.root,
    )


def vmm_scope(request: HttpRequest, account: Account, tenant: UUID | None, root: str) -> Scope:
    """Without a tenant the account's own rights in VMM; with one the rights of its user role.

    Only who administers VMM may act as a tenant. Raises Forbidden for others and for a suspended
    tenant, NotFound for one VMM has no role of. Two queries.
    """
    if tenant is not None and not account.is_vmm_administrator:
        raise Forbidden("The account has no rights in VMM, so it cannot act for a subscription.")
    principal = _principal(request) or account.username
    if tenant is None:
        caller = Caller(is_administrator=account.is_vmm_administrator, principal=principal)
    else:
        caller = Caller(role=_role(tenant), principal=principal)
    return Scope(
        account=account,
        caller=caller,
        stamps=load_stamps(),
        tenant=tenant,
        request_key=_request_key(request, tenant),
        root=root,
    )


def _role(tenant: UUID) -> Any:
    suspended = Tenant.objects.filter(pk=OuterRef("pk"), account_status=AccountStatus.SUSPENDED)
    role = UserRole.objects.filter(pk=tenant).annotate(suspended=Exists(suspended)).first()
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


def _request_key(request: HttpRequest, tenant: UUID | None) -> str:
    try:
        given = parse_guid(request.headers.get("x-ms-client-request-id", ""))
    except ValueError:
        return ""
    return f"{tenant or 'administrator'}:{given}"


def _tunnelled(request: HttpRequest) -> str:
    method = str(request.method).upper()
    if method == "POST":
        for name in ("X-HTTP-Method", "X-HTTP-Method-Override"):
            wanted = request.headers.get(name, "").strip().upper()
            if wanted in TUNNELLED:
                return wanted
    return method


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
