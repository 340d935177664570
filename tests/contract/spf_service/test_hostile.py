"""Requests nobody means well, and replies that got lost."""

from __future__ import annotations

import logging
import uuid
from urllib.parse import quote

import pytest
from django.db import OperationalError

from fabric.vmm.models import Job, VirtualMachine
from tests.contract.spf_service.conftest import GUEST_PASSWORD, key, said


def test_a_repeat_after_a_lost_reply_makes_one_machine(tenant, order):
    request_id = str(uuid.uuid4())
    first = tenant.send("POST", "VirtualMachines", order, X_Ms_Client_Request_Id=request_id)
    again = tenant.send("POST", "VirtualMachines", order, X_Ms_Client_Request_Id=request_id)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first["Location"] == again["Location"]
    assert first["x-ms-request-id"] == again["x-ms-request-id"]
    assert (VirtualMachine.objects.count(), Job.objects.count()) == (1, 1)
    other = tenant.send("POST", "VirtualMachines", order, X_Ms_Client_Request_Id=str(uuid.uuid4()))
    assert other["Location"] != first["Location"]


def test_two_tenants_may_use_the_same_request_id(tenant, stranger, order):
    request_id = str(uuid.uuid4())
    for caller in (tenant, stranger):
        answer = caller.send("POST", "VirtualMachines", order, X_Ms_Client_Request_Id=request_id)
        assert answer.status_code == 201, answer.content
    assert VirtualMachine.objects.count() == 2


@pytest.mark.parametrize(
    "query",
    [
        "$filter=Name eq 'a' or",
        "$filter=" + "(" * 500 + "Name eq 'a'" + ")" * 500,
        "$filter=" + " or ".join(["Name eq 'a'"] * 1000),
        "$filter=Nonsense eq 1",
        "$filter=drop(Name)",
        "$filter=length(Name)",
        "$filter=CPUCount div 0 eq 1",
        "$orderby=Nonsense",
        "$orderby=Owner",
        "$orderby=Name upwards",
        "$select=Nonsense",
        "$expand=Nonsense",
        "$expand=Cloud/Nonsense",
        "$expand=MostRecentTask/Steps/Nonsense",
        "$top=-1",
        "$skip=ten",
        "$inlinecount=some",
    ],
)
def test_a_hostile_query_is_a_bad_request(tenant, order, query):
    tenant.send("POST", "VirtualMachines", order)
    answer = tenant.get(f"VirtualMachines?{query}")
    assert answer.status_code == 400, answer.content
    assert said(answer)


@pytest.mark.parametrize(
    "path",
    [
        "Nonsense",
        "VirtualMachines(1)",
        "VirtualMachines(ID=guid'x')",
        "VirtualMachines(ID=guid'{0}')",
        "VirtualMachines(ID=guid'{0}',StampId=guid'{0}'",
        "VirtualMachines/{0}/Name",
        "UserRoles(null)",
        "$batch",
        "VirtualMachines/$value",
        "/".join(["VirtualMachines"] * 100),
    ],
)
def test_a_hostile_path_finds_nothing(tenant, path):
    answer = tenant.get(path.format(uuid.uuid4()))
    assert 400 <= answer.status_code < 500 or answer.status_code == 501
    assert b"Traceback" not in answer.content


def test_a_filter_knows_text_from_everything_else(tenant, order):
    """A name that looks like a number or a GUID is sent as one."""
    for name in ("123", "o'brien", "true", "1.5"):
        order["Name"], order["ComputerName"] = name, "computer"
        assert tenant.send("POST", "VirtualMachines", order).status_code == 201
    for literal, name in (("123", "123"), ("'o''brien'", "o'brien"), ("true", "true")):
        (found,) = tenant.rows(f"VirtualMachines?$filter=Name eq {literal}")
        assert found["Name"] == name
    stamp = order["StampId"]
    rest = f"VirtualMachines?$filter=StampId eq guid'{stamp}' and "
    assert len(tenant.rows(f"{rest}startswith(Name,'o') and CPUCount gt 1")) == 1
    assert len(tenant.rows(f"{rest}(Name eq '123' or Name eq 'true')&$orderby=Name desc")) == 2
    assert tenant.rows(f"{rest}Owner/UserName eq 'bob@example.net'") == []
    assert tenant.rows(f"{rest}Name eq null") == []
    assert tenant.rows(f"VirtualMachines?$filter=StampId eq guid'{uuid.uuid4()}'") == []
    paged = [row["Name"] for row in tenant.rows("VirtualMachines?$orderby=Name&$skip=1&$top=2")]
    assert paged == sorted(("123", "o'brien", "true", "1.5"))[1:3]
    assert tenant.get("VirtualMachines/$count").content == b"4"
    assert tenant.get("VirtualMachines/$count?$filter=Name ne 'true'").content == b"3"


def test_a_body_of_more_than_a_megabyte_is_refused(tenant, order):
    order["Description"] = "x" * 1_100_000
    answer = tenant.send("POST", "VirtualMachines", order)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE entry [<!ENTITY a "aaa">]><entry xmlns="http://www.w3.org/2005/Atom">&a;</entry>',
        '<!DOCTYPE entry [<!ENTITY a SYSTEM "file:///etc/passwd">]><entry>&a;</entry>',
        "<entry>",
        "",
    ],
)
def test_xml_with_entities_is_refused(tenant, body):
    answer = tenant.send("POST", "VirtualMachines", body, content_type="application/atom+xml")
    assert answer.status_code == 400
    assert b"root:" not in answer.content


@pytest.mark.parametrize("body", ["[]", "{", "null", "[" * 100_000, '{"Memory": "plenty"}'])
def test_json_that_is_no_entity_is_refused(tenant, body):
    assert tenant.send("POST", "VirtualMachines", body).status_code == 400


def test_another_media_type_is_refused(tenant, order):
    answer = tenant.send("POST", "VirtualMachines", "a=b", content_type="text/csv")
    assert answer.status_code == 415
    assert tenant.get("Clouds", accept="image/png").status_code == 406


def test_verbs_that_a_set_does_not_take_are_refused(tenant, fabric, stamp):
    cloud = key("Clouds", fabric.cloud.pk, stamp.pk)
    for method, path in (
        ("POST", "Clouds"),
        ("PUT", cloud),
        ("DELETE", cloud),
        ("DELETE", "VirtualMachines"),
        ("PUT", "VirtualMachines"),
        ("POST", f"{cloud}/LogicalNetworks"),
        ("POST", "GuestInfos"),
        ("PUT", "$metadata"),
        ("TRACE", "Clouds"),
    ):
        assert tenant.send(method, path, {"Name": "x"}).status_code == 405, (method, path)


def test_sets_without_anything_behind_them_are_empty(tenant):
    for name in ("VMCheckPoints", "ISOs", "CapabilityProfiles", "CloudServices", "NATRules"):
        assert tenant.rows(name) == []


def test_a_bug_is_told_by_its_number_and_logged_without_secrets(tenant, order, monkeypatch, caplog):
    def break_down(*args, **kwargs):
        raise KeyError("somewhere inside")

    monkeypatch.setattr("fabric.vmm.actions.machines.create", break_down)
    with caplog.at_level(logging.DEBUG):
        answer = tenant.send("POST", "VirtualMachines", order)
    assert answer.status_code == 500
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    reference = said(answer).rpartition("reference ")[2].rstrip(").")
    assert caplog.text.count(reference) == 1
    assert b"KeyError" not in answer.content
    assert GUEST_PASSWORD not in caplog.text


def test_a_database_that_is_away_asks_to_come_again(tenant, monkeypatch, caplog):
    secret = "-".join(("hunter", "2"))

    def away(rows):
        raise OperationalError(f"connection refused, password={secret}")

    monkeypatch.setattr("fabric.spf.calls.with_stamps", away)
    answer = tenant.get("Clouds")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert secret not in caplog.text
    assert len(caplog.records) == 1


def test_the_password_of_a_guest_is_told_to_nobody(tenant, order, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = tenant.send("POST", "VirtualMachines", order)
        order["Memory"] = "plenty"
        refused = tenant.send("POST", "VirtualMachines", order)
    assert GUEST_PASSWORD.encode() not in answer.content + refused.content
    assert GUEST_PASSWORD not in caplog.text
    (machine,) = tenant.rows("VirtualMachines")
    assert machine["LocalAdminPassword"] is None


def test_an_unknown_host_name_is_the_callers_mistake(tenant, settings, caplog):
    settings.ALLOWED_HOSTS = ["spf.example.net"]
    answer = tenant.get("Clouds", Host="evil.example.org")
    assert answer.status_code == 400
    assert b"evil" not in answer.content
    assert "KATAL_HOSTS" in caplog.text


def test_other_addresses_say_so_and_no_more(stamp, client):
    for path in ("/", "/SC2012R2/VMM/GalleryService.svc/", "/SC2012R3/Admin/", "/admin/", "/a%00b"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer["Content-Type"].startswith("application/xml")
    assert (
        client.get(
            quote("/SC2012R2/VMM/not-a-guid/Microsoft.Management.Odata.svc/Clouds")
        ).status_code
        == 404
    )


@pytest.mark.parametrize("text", ["front\0", "front\ud800"])
def test_a_name_no_database_can_look_for_is_a_bad_request(
    tenant, administrator, stamp, order, role, text
):
    adapters = [{"VMNetworkName": text}]
    answers = [
        tenant.send("POST", "VirtualMachines", {**order, "NewVirtualNetworkAdapterInput": adapters})
    ]
    tenant.send("POST", "VirtualMachines", order)
    machine = key("VirtualMachines", VirtualMachine.objects.get().pk, stamp.pk)
    for change in ({"Owner": {"RoleName": text}}, {"VMHostName": text}):
        answers.append(administrator.send("PATCH", machine, change))
    grant = {"StampId": stamp.pk, "Resource": uuid.uuid4(), "ResourceType": text}
    roles = f"UserRoles(guid'{role.pk}')"
    answers.append(administrator.send("PATCH", roles, {"RemoveResource": [grant]}))
    for answer in answers:
        assert answer.status_code == 400
        assert "is not a valid Edm.String" in said(answer)
