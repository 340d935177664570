"""$batch over the wire: reads, change sets that are whole or not at all, and nobody's way out."""

from __future__ import annotations

import email.parser
import email.policy
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from fabric.spf.models import Stamp, Tenant
from fabric.vmm.models import Job, VirtualMachine
from tests.contract.spf_service.conftest import Caller, key, said
from tests.factories.vmm import acting_for, deploy, make_fabric

JSON = "Accept: application/json"


@dataclass
class Told:
    """One answer of a batch."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(line: str, body: Any = None, *headers: str) -> str:
    """Return one request as it stands in a batch."""
    content = (
        "" if body is None else body if isinstance(body, str) else json.dumps(body, default=str)
    )
    lines = [f"{line} HTTP/1.1", JSON, *headers]
    if content and not any(each.startswith("Content-Type") for each in headers):
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", content])


def part(text: str, boundary: str = "batch", *headers: str) -> str:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", *headers]
    return "\r\n".join([f"--{boundary}", *head, "", text, ""])


def changes(*requests: str) -> str:
    inside = "".join(
        part(text, "set", f"Content-ID: {at}") for at, text in enumerate(requests, start=1)
    )
    return f"--batch\r\nContent-Type: multipart/mixed; boundary=set\r\n\r\n{inside}--set--\r\n"


def send(caller: Caller, *parts: str, **options: Any) -> list[Told | list[Told]]:
    """Send a batch and take its answer apart."""
    answer = post(caller, "".join(parts) + "--batch--\r\n", **options)
    assert answer.status_code == 202, answer.content
    return taken_apart(answer["Content-Type"], answer.content)


def post(caller: Caller, body: str, **options: Any) -> Any:
    options.setdefault("accept", "multipart/mixed")
    kind = options.pop("content_type", "multipart/mixed; boundary=batch")
    return caller.send("POST", "$batch", body, content_type=kind, **options)


def taken_apart(kind: str, body: bytes) -> list[Any]:
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + body
    )
    found: list[Any] = []
    for each in message.iter_parts():
        if each.is_multipart():
            found.append([_one(inner) for inner in each.iter_parts()])
        else:
            found.append(_one(each))
    return found


def _one(each: Any) -> Told:
    head, _, body = each.get_payload(decode=True).partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    headers = dict(tuple(one.split(": ", 1)) for one in lines)
    return Told(int(line.split()[1]), headers, body)


@pytest.fixture
def machine(fabric, role, stamp) -> VirtualMachine:
    return deploy(fabric, acting_for(role), "web-01")


def test_reads_are_answered_in_their_order_and_formats(tenant, machine, stamp):
    path = key("VirtualMachines", machine.pk, stamp.pk)
    first, second, third, fourth, fifth = send(
        tenant,
        part(request("GET Clouds?$select=Name")),
        part("GET VirtualMachines HTTP/1.1\r\nAccept: application/atom+xml\r\n\r\n"),
        part(request(f"GET {path}/Name/$value")),
        part(request("GET VirtualMachines/$count?$filter=Name eq 'web-01'")),
        part(request(f"GET {key('VirtualMachines', uuid.uuid4(), stamp.pk)}")),
    )
    assert first.json["value"] == [{"Name": "Gold"}]
    assert first.headers["DataServiceVersion"] == "3.0;"
    assert second.headers["Content-Type"].startswith("application/atom+xml;type=feed")
    assert (third.body, fourth.body) == (b"web-01", b"1")
    assert fifth.status == 404
    assert "Resource not found" in fifth.json["odata.error"]["message"]["value"]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_lines_may_end_either_way(tenant, fabric, ending):
    body = (part(request("GET Clouds")) + "--batch--\r\n").replace("\r\n", ending)
    answer = post(tenant, body)
    (found,) = taken_apart(answer["Content-Type"], answer.content)
    assert found.status == 200


def test_a_change_set_makes_and_joins_what_it_made(admin_service, stamp):
    (made,) = send(
        admin_service,
        changes(
            request("POST Stamps", {"Name": "vmm99.example.net"}),
            request("POST Tenants", {"Name": "alice_x", "SubscriptionID": uuid.uuid4()}),
            request("MERGE $1", {"Name": "vmm98.example.net"}),
            request("DELETE $1"),
        ),
    )
    assert [each.status for each in made] == [201, 201, 204, 204]
    assert [each.headers["Content-ID"] for each in made] == ["1", "2", "3", "4"]
    assert made[0].json["Name"] == "vmm99.example.net"
    assert made[0].headers["Location"].startswith(f"http://testserver{admin_service.root}/Stamps(")
    assert [each.name for each in Stamp.objects.all()] == [stamp.name]
    assert Tenant.objects.get().name == "alice_x"


@pytest.mark.parametrize("target", ["$2", "http://testserver/{root}/$2"])
def test_links_may_lead_to_what_was_made_before(admin_service, stamp, target):
    other = make_fabric().server.name
    address = target.format(root=admin_service.root.strip("/"))
    (made,) = send(
        admin_service,
        changes(
            request("POST Stamps", {"Name": other}),
            request("POST Servers", {"Name": other, "ServerType": 0}),
            request("POST $1/$links/Servers", {"url": address}),
        ),
    )
    assert isinstance(made, list), made
    assert [each.status for each in made] == [201, 201, 204]
    assert Stamp.objects.get(name=other).servers.get().name == other


def test_one_failure_undoes_the_whole_set_and_answers_once(admin_service, stamp):
    before, failed, after = send(
        admin_service,
        changes(request("POST Stamps", {"Name": "vmm01.example.org"})),
        changes(
            request("POST Stamps", {"Name": "vmm02.example.org"}),
            request("POST Stamps", {"Name": ""}),
            request("POST Stamps", {"Name": "vmm03.example.org"}),
        ),
        part(request("GET Stamps?$orderby=Name&$select=Name")),
    )
    assert [each.status for each in before] == [201]
    assert failed.status == 400
    assert failed.headers["Content-ID"] == "2"
    assert "Name is mandatory" in failed.json["odata.error"]["message"]["value"]
    # A later read sees what stands, and only that.
    found = {row["Name"] for row in after.json["value"]}
    assert found == {stamp.name, "vmm01.example.org"}


@pytest.mark.django_db(transaction=True)
def test_jobs_begin_when_their_set_is_committed_and_never_when_it_is_undone(
    tenant, order, monkeypatch
):
    nudged: list[Any] = []
    monkeypatch.setattr(
        "fabric.durable.nudge.nudge", lambda *args, **kwargs: nudged.append(Job.objects.count())
    )
    (failed,) = send(
        tenant,
        changes(
            request("POST VirtualMachines", order),
            request("POST VirtualMachines", {**order, "CloudId": uuid.uuid4()}),
        ),
    )
    assert failed.status in (400, 404)
    assert (VirtualMachine.objects.count(), Job.objects.count(), nudged) == (0, 0, [])
    (made,) = send(
        tenant,
        changes(
            request("POST VirtualMachines", order),
            request("POST VirtualMachines", {**order, "Name": "web-02", "ComputerName": "web-02"}),
        ),
    )
    assert [each.status for each in made] == [201, 201]
    assert VirtualMachine.objects.count() == 2
    assert nudged
    # Nobody was woken before all of it was there to be seen.
    assert set(nudged) == {2}


def test_a_database_fault_undoes_the_set_too(admin_service, stamp, monkeypatch, caplog):
    def fault(*args):
        Stamp.objects.create(pk=stamp.pk, name="twice")

    monkeypatch.setattr("fabric.spf.actions.stamps.rename_stamp", fault)
    (failed,) = send(
        admin_service,
        changes(
            request("POST Stamps", {"Name": "vmm02.example.org"}),
            request(f"MERGE Stamps(guid'{stamp.pk}')", {"Name": "other"}),
        ),
    )
    assert failed.status == 500
    assert b"duplicate" not in failed.body
    assert Stamp.objects.count() == 1


def test_the_same_batch_again_makes_nothing_twice(tenant, order):
    request_id = str(uuid.uuid4())
    parts = changes(
        request("POST VirtualMachines", order),
        request("POST VirtualMachines", {**order, "Name": "web-02", "ComputerName": "web-02"}),
    )
    ((first, second),) = send(tenant, parts, X_Ms_Client_Request_Id=request_id)
    ((again, _),) = send(tenant, parts, X_Ms_Client_Request_Id=request_id)
    assert first.headers["Location"] == again.headers["Location"] != second.headers["Location"]
    assert VirtualMachine.objects.count() == 2


def test_atom_and_tunnelled_changes_are_changes(tenant, machine, stamp):
    entry = (
        '<entry xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" '
        'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
        '<content type="application/xml"><m:properties><d:Description>told in Atom'
        "</d:Description></m:properties></content></entry>"
    )
    path = key("VirtualMachines", machine.pk, stamp.pk)
    ((answer,),) = send(
        tenant,
        changes(
            request(
                f"POST {path}", entry, "X-HTTP-Method: MERGE", "Content-Type: application/atom+xml"
            )
        ),
    )
    assert answer.status == 204, answer.body
    uuid.UUID(answer.headers["x-ms-request-id"])
    machine.refresh_from_db()
    assert machine.description == "told in Atom"


def test_no_address_leads_out_of_the_service_root(tenant, stranger, machine, stamp):
    path = key("VirtualMachines", machine.pk, stamp.pk)
    mine = tenant.root.rsplit("/", 2)[0]
    out = [
        f"http://testserver{tenant.root}/{path}",
        f"{tenant.root}/{path}",
        f"/SC2012R2/VMM/Microsoft.Management.Odata.svc/{path}",
        f"{mine}/{stranger.tenant}/Microsoft.Management.Odata.svc/../../{tenant.tenant}/{path}",
        f"../../{tenant.tenant}/Microsoft.Management.Odata.svc/{path}",
        f"%2e%2e/%2e%2e/{tenant.tenant}/Microsoft.Management.Odata.svc/{path}",
        f"//testserver{tenant.root}/{path}",
        f"http://evil.example.org{stranger.root}/{path}",
        f"https://evil.example.org/{path}",
        f"{stranger.root}x/{path}",
        f"{tenant.tenant}/{path}",
        "/SC2012R2/Admin/Microsoft.Management.Odata.svc/Tenants",
        "http://[bad/VirtualMachines",
        path,
    ]
    for told in send(stranger, *(part(request(f"GET {address}")) for address in out)):
        assert told.status in (400, 404), told
        assert b"web-01" not in told.body
    headers = (f"Authorization: {tenant.authorization}", "x-ms-principal-id: alice@example.net")
    (told,) = send(stranger, part(request(f"GET {path}", None, *headers)))
    assert told.status == 404
    for address in (
        f"http://TESTSERVER{tenant.root.upper()}/{path}",
        f"{tenant.root.lower()}/{path}",
    ):
        (told,) = send(tenant, part(request(f"GET {address}")))
        assert told.status == 200


def test_a_part_speaks_for_nobody_else(tenant, order):
    ((made,),) = send(
        tenant,
        changes(request("POST VirtualMachines", order, "x-ms-principal-id: mallory@example.net")),
    )
    assert made.json["Owner"]["UserName"] == "alice@example.net"


@pytest.mark.parametrize(
    ("inside", "status"),
    [
        (part(request("GET $batch")), 400),
        (part(request("POST $batch")), 400),
        (part(request("POST Stamps", {"Name": "x"})), 400),
        (part(request("DELETE Stamps(guid'00000000-0000-0000-0000-000000000001')")), 400),
        (changes(request("GET Stamps")), 400),
        (changes(request("POST $batch", "x")), 400),
        (changes(request("POST $9/$links/Servers", {"url": "x"})), 404),
        (changes(request("POST Stamps", "{")), 400),
        (changes(request("POST Stamps", "a,b", "Content-Type: text/csv")), 415),
        (changes(request("BREW Stamps", {"Name": "x"})), 405),
        (part(request("GET Stamps?$filter=Nonsense eq 1")), 400),
        (part(request("GET Stamps", None, "DataServiceVersion: 9.0")), 400),
        (part("GET Stamps HTTP/1.1\r\nAccept: image/png\r\n\r\n"), 406),
        (part(request("GET \ufffd\u2028%ff%00")), 404),
    ],
)
def test_a_part_without_sense_is_answered_as_such(admin_service, inside, status):
    (told,) = send(admin_service, inside)
    assert told.status == status, told
    assert Stamp.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("--batch\r\n", "multipart/mixed; boundary=batch", 400),
        ("--batch--", "multipart/mixed", 400),
        ("--batch--", "application/json", 415),
        (part(request("GET Stamps")) * 101 + "--batch--", "multipart/mixed; boundary=batch", 400),
        (part("x" * 600_000) + "--batch--", "multipart/mixed; boundary=batch", 413),
        ("x" * 1_100_000, "multipart/mixed; boundary=batch", 413),
    ],
)
def test_a_broken_batch_is_refused_before_any_of_it(admin_service, body, kind, status):
    answer = post(admin_service, body, content_type=kind, accept="application/json")
    assert answer.status_code == status
    assert said(answer)


def test_a_batch_is_posted_and_signed_in_for(admin_service, stamp):
    assert admin_service.get("$batch").status_code == 405
    admin_service.authorization = None
    assert post(admin_service, "--batch--").status_code == 401


def test_answers_that_grow_too_long_are_cut_off(tenant, machine, monkeypatch):
    monkeypatch.setattr("fabric.spf.batch.MAX_ANSWERS", 5_000)
    told = send(tenant, *[part(request("GET VirtualMachines"))] * 3)
    assert [each.status for each in told] == [200, 413, 413]


def test_a_long_answer_that_breaks_off_is_an_error_of_its_own(tenant, machine, monkeypatch, caplog):
    def breaking(*args):
        yield b"x" * 300_000
        raise KeyError("somewhere inside")

    monkeypatch.setattr("fabric.odata.jsonfmt.feed_parts", lambda *args, **options: breaking())
    broken, sound = send(
        tenant, part(request("GET VirtualMachines")), part(request("GET VirtualMachines/$count"))
    )
    assert (broken.status, sound.status) == (500, 200)
    assert b"xxx" not in broken.body
    reference = broken.json["odata.error"]["message"]["value"].rpartition(" ")[2].rstrip(").")
    assert caplog.text.count(reference) == 1


def test_older_clients_are_answered_in_their_version(tenant, fabric):
    (told,) = send(tenant, part(request("GET Clouds")), MaxDataServiceVersion="2.0;NetFx")
    assert told.headers["DataServiceVersion"] == "2.0;"
    assert "results" in told.json["d"]


def test_pages_of_a_part_lead_on(tenant, machine, fabric, role):
    deploy(fabric, acting_for(role), "web-02")
    (told,) = send(
        tenant, part(request("GET VirtualMachines", None, "Prefer: odata.maxpagesize=1"))
    )
    link = told.json["odata.nextLink"]
    assert link.startswith(f"http://testserver{tenant.root}/VirtualMachines?$skiptoken=")
    (more,) = send(tenant, part(request(f"GET {link}")))
    assert {row["Name"] for row in told.json["value"] + more.json["value"]} == {"web-01", "web-02"}
