"""Other SPFs than ours, made at the wire only: each stands before our server in process, and lets
through, refuses and rewrites what that kind of server would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode
from xml.etree import ElementTree

import httpx

from fabric.odata import metadata
from tests.contract.provider.inprocess import InProcess

ATOM = "http://www.w3.org/2005/Atom"
VERBOSE = "application/json;odata=verbose"
LIGHT = "application/json;odata=minimalmetadata"

# What our server has and Microsoft's never had.
OURS = frozenset(
    {
        *("JobSteps", "Steps", "UserData", "MachineObjectOU", "SourceVMId", "SourceCheckpointId"),
        *("IPv4Address", "CurrentCheckpointId"),
    }
)
# What came with 2012 R2, as far as anybody asks for it.
SINCE_R2 = frozenset(
    {
        *("VMNetworkGateways", "NATConnections", "NATRules", "VPNConnections", "VPNNetworkRoutes"),
        *("BGPPeers", "VMRoleSizeProfiles", "CloudServices", "CloudResource", "VMRole", "VM"),
        *("VMRoleVMDisk", "VMRoleVMNic", "VMConnection", "Generation", "OSType", "VMSubnetId"),
        *("OperatingSystemInstance", "IPv4Addresses", "IPv6Addresses", "CanVMConnect", "Agent"),
        *("CloudPermission", "CloudPermissionInput", "LinuxAdministratorSSHKeyString"),
    }
)
# In SP1 the guest tells these, so there the name stays.
OF_GUESTS = frozenset({"IPv4Addresses", "IPv6Addresses"})


class Older(InProcess):
    """A server without some sets and properties; `lacks` are their names."""

    lacks = OURS

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        address = unquote(str(request.url))
        named = set(re.findall(r"[A-Za-z]\w*", address.partition(".svc/")[2]))
        if named & (self.lacks - OF_GUESTS):
            return refusal(400, "The name is not known.")
        response = super().handle_request(request)
        if address.endswith("$metadata") and response.status_code == 200:
            return httpx.Response(200, headers=kept(response), content=self.cut(response.content))
        if "json" in response.headers.get("content-type", "") and response.content:
            told = json.loads(response.content)
            if "GuestInfos" not in address:
                told = without(told, self.lacks)
            return httpx.Response(response.status_code, headers=kept(response), json=told)
        return response

    def cut(self, metadata: bytes) -> bytes:
        """Take the names out of the service's description."""
        root = ElementTree.fromstring(metadata)
        guest = (
            next(each for each in root.iter() if each.get("Name") == "GuestInfo")
            if (b"GuestInfo" in metadata)
            else None
        )
        for parent in list(root.iter()):
            if parent is guest:
                continue
            for each in list(parent):
                if each.get("Name") in self.lacks and not each.tag.endswith("Schema"):
                    parent.remove(each)
        return ElementTree.tostring(root)


class SP1(Older):
    """2012 SP1: its own addresses, verbose JSON and no other, none of what came with R2."""

    lacks = OURS | SINCE_R2

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/SC2012/") and ".svc" in request.url.path:
            return httpx.Response(404, headers={"Content-Type": "text/html"}, content=b"<html/>")
        if is_odata(request):
            if "odata=verbose" not in request.headers["accept"]:
                return refusal(406, "Unsupported media type requested.")
            request.headers["accept"] = VERBOSE
        if "minimal" in request.headers.get("content-type", ""):
            return refusal(415, "Unsupported media type.")
        return super().handle_request(request)


class AtomOnly(InProcess):
    """A server that answers in Atom whatever was asked for, and reads nothing else."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("content-type", "").startswith("application/json"):
            return refusal(415, "Unsupported media type.")
        if is_odata(request):
            request.headers["accept"] = "application/atom+xml"
        return super().handle_request(request)


class Paging(InProcess):
    """A server that tells every feed two rows at a time, whatever size one wishes for."""

    size = 2

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = dict(parse_qsl(request.url.query.decode()))
        single = request.url.path.endswith(("$metadata", "$count")) or not is_odata(request)
        if request.method != "GET" or single or request.url.path.endswith(")"):
            return super().handle_request(request)
        request.headers.pop("prefer", None)
        at = int(asked.pop("$skiptoken", 0))
        wanted = {**asked, "$skip": str(at), "$top": str(self.size)}
        inner = httpx.Request(
            "GET", request.url.copy_with(query=urlencode(wanted).encode()), headers=request.headers
        )
        response = super().handle_request(inner)
        following = request.url.copy_with(
            query=urlencode({**asked, "$skiptoken": str(at + self.size)}).encode()
        )
        if response.status_code != 200:
            return response
        body = paged(response.content, self.size, str(following))
        return httpx.Response(200, headers=kept(response), content=body)


class R2(Older, Paging):
    """2012 R2 as it is, telling its feeds in pages of light JSON."""


class PagingSP1(SP1, Paging):
    """The same in verbose JSON."""


class PagingAtom(AtomOnly, Paging):
    """The same in Atom."""


class Strict(Older):
    """As IIS and Microsoft's service may be at their strictest: a challenge first, short queries,
    PUT alone, no `or`, no unknown properties, no `$count`."""

    lacks = OURS
    most = 2048

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "authorization" not in request.headers:
            challenge = {"WWW-Authenticate": 'Basic realm="spf", NTLM, Negotiate'}
            return httpx.Response(401, headers=challenge)
        if len(request.url.query) > self.most:
            return httpx.Response(404, headers={"Content-Type": "text/html"}, content=b"404.15")
        if request.method in ("MERGE", "PATCH"):
            return refusal(405, "Method not allowed.")
        if re.search(r"\bor\b", unquote(request.url.query.decode())):
            return refusal(400, "The operator 'or' is not supported.")
        if request.url.path.endswith("/$count"):
            return refusal(400, "$count is not supported.")
        is_entity = "$links" not in request.url.path and not request.url.path.endswith("/Expand")
        if request.content and is_entity:
            unknown = self._unknown(request)
            if unknown:
                return refusal(400, f"The property '{unknown}' does not exist.")
        return super().handle_request(request)

    def _unknown(self, request: httpx.Request) -> str:
        """Name a property that the set's type does not declare."""
        root = request.url.path.partition(".svc/")[0] + ".svc/$metadata"
        asked = request.url.copy_with(path=root, query=None)
        kind = {"authorization": request.headers["authorization"], "accept": "application/xml"}
        told = super().handle_request(httpx.Request("GET", asked, headers=kind))
        if told.status_code != 200:
            # The tenant is nobody's; the call itself will tell.
            return ""
        sets = metadata.read(told.content)
        name = re.split(r"[(/]", request.url.path.partition(".svc/")[2])[0]
        given = {member.partition("@")[0] for member in json.loads(request.content)}
        return min(given - sets[name]["properties"] - {"odata.type"}, default="")


def paged(body: bytes, size: int, following: str) -> bytes:
    """The page with the address of the next one, unless it is the last."""
    if body.lstrip()[:1] == b"<":
        feed = ElementTree.fromstring(body)
        if len(feed.findall(f"{{{ATOM}}}entry")) == size:
            ElementTree.SubElement(feed, f"{{{ATOM}}}link", rel="next", href=following)
        return ElementTree.tostring(feed)
    told: dict[str, Any] = json.loads(body)
    inside = told.get("d", told)
    if len(inside.get("results", inside.get("value", ()))) == size:
        inside["__next" if "d" in told else "odata.nextLink"] = following
    return json.dumps(told).encode()


def without(told: Any, lacks: frozenset[str]) -> Any:
    if isinstance(told, list):
        return [without(each, lacks) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        name: without(value, lacks)
        for name, value in told.items()
        if name.partition("@")[0] not in lacks
    }


def is_odata(request: httpx.Request) -> bool:
    path = request.url.path
    return ".svc" in path and not path.endswith(("$metadata", "$count"))


def refusal(status: int, words: str) -> httpx.Response:
    told = {"odata.error": {"code": "", "message": {"lang": "en-US", "value": words}}}
    return httpx.Response(status, json=told)


def kept(response: httpx.Response) -> dict[str, str]:
    return dict(_kept(response))


def _kept(response: httpx.Response) -> Iterator[tuple[str, str]]:
    for name, value in response.headers.items():
        if name.lower() not in ("content-length", "content-encoding", "transfer-encoding"):
            yield name, value
