"""Versions, formats, preferences, tags and tunnels: what the headers of a call settle."""

from __future__ import annotations

import json

import pytest

from fabric.spf.asgi import limited
from fabric.vmm.models import VirtualMachine
from tests.contract.spf_service.conftest import apart, key, said, xml
from tests.factories.vmm import acting_for, deploy

ATOM = "application/atom+xml,application/xml"


@pytest.fixture
def machine(fabric, role, stamp) -> VirtualMachine:
    return deploy(fabric, acting_for(role), "web-01")


@pytest.mark.parametrize(
    ("greatest", "told", "is_verbose"),
    [
        ("1.0;NetFx", "1.0;", True),
        ("2.0;NetFx", "2.0;", True),
        ("3.0;NetFx", "3.0;", False),
        ("4.0", "3.0;", False),
        (None, "3.0;", False),
    ],
)
def test_no_answer_is_newer_than_its_caller(tenant, machine, greatest, told, is_verbose):
    headers = {} if greatest is None else {"MaxDataServiceVersion": greatest}
    json_answer = tenant.get("VirtualMachines", **headers)
    assert json_answer["DataServiceVersion"] == told
    assert ("d" in json.loads(json_answer.content)) is is_verbose
    atom = tenant.get("VirtualMachines", accept=ATOM, **headers)
    assert atom["DataServiceVersion"] == told
    assert xml(atom).tag.endswith("}feed")
    refused = tenant.get("VirtualMachines?$filter=x", **headers)
    assert (refused.status_code, refused["DataServiceVersion"]) == (400, told)
    assert ("error" in json.loads(refused.content)) is is_verbose


@pytest.mark.parametrize(
    "headers",
    [
        {"DataServiceVersion": "4.0"},
        {"DataServiceVersion": "newest"},
        {"MaxDataServiceVersion": "0.1"},
        {"MaxDataServiceVersion": "x;NetFx"},
        {"If-Match": "W/unquoted"},
    ],
)
def test_headers_without_sense_are_refused(tenant, fabric, headers):
    answer = tenant.get("Clouds", **headers)
    assert answer.status_code == 400
    assert b"message" in answer.content


def test_entity_tags_are_ignored(tenant, machine, stamp):
    path = key("VirtualMachines", machine.pk, stamp.pk)
    for tags in ("*", 'W/"1"', '"a", W/"b"'):
        answer = tenant.send("MERGE", path, {"Name": "web-01"}, If_Match=tags)
        assert answer.status_code == 204, answer.content


def test_a_tunnel_leads_where_it_says_or_nowhere(tenant, machine, stamp):
    path = key("VirtualMachines", machine.pk, stamp.pk)
    body = {"Description": "by tunnel"}
    for name in ("X_HTTP_Method", "X_HTTP_Method_Override"):
        assert tenant.send("POST", path, body, **{name: "merge"}).status_code == 204
    machine.refresh_from_db()
    assert machine.description == "by tunnel"
    for headers in (
        {"X_HTTP_Method": "DELTE"},
        {"X_HTTP_Method": "GET"},
        {"X_HTTP_Method": "MERGE", "X_HTTP_Method_Override": "DELETE"},
    ):
        assert tenant.send("POST", path, body, **headers).status_code == 400
    # Only what is posted goes through it.
    assert tenant.get(path, X_HTTP_Method="DELETE").status_code == 200


@pytest.mark.parametrize(
    ("preference", "status"),
    [
        ("return-content", 200),
        ("return=representation", 200),
        ("respond-async, return-content; x=y", 200),
        ("return-no-content, return-content", 204),
        ("x='return-content'", 204),
        (";;;", 204),
    ],
)
def test_preferences_are_read_for_what_they_say(tenant, machine, stamp, preference, status):
    path = key("VirtualMachines", machine.pk, stamp.pk)
    answer = tenant.send("MERGE", path, {"Description": "x"}, Prefer=preference)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json;odata=verbose", "application/json"),
        (ATOM, "application/xml"),
        (None, "application/xml"),
        ("application/json;odata=nonsense", "application/json"),
    ],
)
def test_errors_are_told_in_the_callers_format(tenant, machine, stamp, accept, kind):
    unsigned = type(tenant)(tenant=tenant.tenant, authorization=None)
    answers = {
        400: tenant.get("VirtualMachines?$top=x", accept=accept),
        401: unsigned.get("VirtualMachines", accept=accept),
        404: tenant.get("Nonsense", accept=accept),
        405: tenant.send("POST", "Clouds", {"Name": "x"}, accept=accept),
        413: tenant.send("POST", "VirtualMachines", {"Name": "x" * 1_100_000}, accept=accept),
        415: tenant.send("POST", "VirtualMachines", "a,b", accept=accept, content_type="text/csv"),
    }
    for status, answer in answers.items():
        # An Accept header nobody can please is the first thing wrong with a call.
        assert answer.status_code in (status, 406 if "nonsense" in str(accept) else status)
        if answer.content:
            assert answer["Content-Type"].startswith(kind), status
    assert tenant.get("", root="/nowhere", accept=accept)["Content-Type"].startswith(kind)


def test_a_body_cut_off_at_the_door_is_refused_in_the_callers_format():
    async def never(scope, receive, send):
        await receive()

    async def call(accept: bytes):
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"x" * 3_000_000, "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "headers": [(b"Accept", accept)]}
        await limited(never)(scope, receive, send)
        return sent

    start, body = apart(call(b"application/json"))
    assert start["status"] == 413
    assert json.loads(body["body"])["odata.error"]["message"]["value"]
    _, body = apart(call(b"application/atom+xml"))
    assert body["body"].startswith(b"<?xml")


def test_what_is_told_as_plain_text_may_be_asked_for_as_anything(tenant, machine, stamp):
    path = key("VirtualMachines", machine.pk, stamp.pk)
    for accept in ("text/plain", "image/png", "application/json", None):
        assert tenant.get("VirtualMachines/$COUNT", accept=accept).content == b"1"
        assert tenant.get(f"{path}/Name/$value", accept=accept).content == b"web-01"
        assert tenant.get("$metadata", accept=accept).status_code == 200
    refused = tenant.get("VirtualMachines/$count?$filter=x", accept="application/json")
    assert said(refused)


def test_properties_are_told_alone_and_inside_of_others(tenant, machine, stamp):
    path = key("VirtualMachines", machine.pk, stamp.pk)
    assert tenant.row(f"{path}/owner/username")["value"] == "alice@example.net"
    assert tenant.get(f"{path}/Owner/UserName/$value").content == b"alice@example.net"
    assert tenant.row(f"{path}/Owner")["UserName"] == "alice@example.net"
    atom = tenant.get(f"{path}/Owner/UserName", accept=ATOM)
    assert xml(atom).text == "alice@example.net"
    assert tenant.get(f"{path}/Owner/$value").status_code == 404
    assert tenant.get(f"{path}/LocalAdminPassword/$value").status_code == 404
    assert tenant.get(f"{path}/Owner/Nonsense").status_code == 404


def test_a_format_option_beats_the_header_however_it_is_spelled(tenant, fabric):
    answer = tenant.get("Clouds?$FORMAT=JSON", accept=ATOM)
    assert answer["Content-Type"].startswith("application/json")
    answer = tenant.get("Clouds?%24format=atom")
    assert answer["Content-Type"].startswith("application/atom+xml")
    assert tenant.get("Clouds?" + "&".join(f"a{n}=1" for n in range(2_000))).status_code == 400
