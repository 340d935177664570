"""What each known client of SPF depends on (§5.8), in its own words on the wire."""

from __future__ import annotations

import json
import uuid

import pytest

from fabric.vmm.models import Job, VirtualMachine
from tests.contract.spf_service.conftest import NAMESPACES, Caller, key, texts, xml
from tests.factories.vmm import acting_for, deploy, finish

FULL = "application/json;odata=fullmetadata"


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


@pytest.fixture
def where(machine, stamp) -> str:
    return key("VirtualMachines", machine.pk, stamp.pk)


class TestWAPack:
    """The Azure cmdlets: JSON, whole classes, one job by its id."""

    def test_every_change_answers_with_the_id_of_a_job_it_then_finds(self, tenant, where):
        for verb, body in (("PUT", {"Operation": "Stop"}), ("DELETE", None)):
            job_id = uuid.UUID(tenant.send(verb, where, body)["x-ms-request-id"])
            (job,) = tenant.rows(f"Jobs?$filter=ID eq guid'{job_id}'")
            assert job["ID"] == str(job_id)
            finish(Job.objects.get(pk=job_id))

    def test_the_whole_class_is_put_and_wanted_back(self, tenant, where, machine, stamp):
        """Every member null but three, navigation properties among them."""
        nulls = dict.fromkeys(tenant.row(where))
        empty = {"Cloud": None, "VirtualNetworkAdapters": None, "GrantedToList": []}
        wanted = {"ID": machine.pk, "StampId": stamp.pk, "Operation": "Stop"}
        answer = tenant.send("PUT", where, nulls | empty | wanted, Prefer="return-content")
        assert answer.status_code == 200, answer.content
        assert answer["Preference-Applied"] == "return-content"
        told = json.loads(answer.content)
        assert (told["ID"], told["Name"]) == (str(machine.pk), "web-01")
        assert told["MostRecentTaskId"] == answer["x-ms-request-id"]

    def test_two_blanks_in_a_filter_and_names_that_look_like_numbers(self, tenant, fabric, role):
        for name in ("123", str(uuid.UUID(int=7))):
            deploy(fabric, acting_for(role), name)
        assert [row["Name"] for row in tenant.rows("VirtualMachines?$filter=Name  eq 123")] == [
            "123"
        ]
        looks_like = f"VirtualMachines?$filter=Name eq guid'{uuid.UUID(int=7)}'"
        assert len(tenant.rows(looks_like)) == 1

    def test_feeds_are_objects_with_a_value(self, tenant):
        assert json.loads(tenant.get("Clouds").content).keys() == {"odata.metadata", "value"}


class TestDPMwap:
    """A backup portal in .NET: Atom, whatever is asked."""

    def test_feeds_are_atom_and_a_machine_names_its_cloud_and_owner(
        self, administrator, fabric, role, machine
    ):
        answer = administrator.get("VirtualMachines", accept=None)
        assert answer["Content-Type"].startswith("application/atom+xml")
        properties = "a:entry/a:content/m:properties"
        assert texts(xml(answer), f"{properties}/d:VMId") == [str(machine.hypervisor_id)]
        assert texts(xml(answer), f"{properties}/d:CloudId") == [str(fabric.cloud.pk)]
        assert texts(xml(answer), f"{properties}/d:Owner/d:RoleID") == [str(role.pk)]

    def test_a_machine_not_yet_made_has_no_id_of_its_own(self, administrator, tenant, order):
        assert tenant.send("POST", "VirtualMachines", order).status_code == 201
        feed = xml(administrator.get("VirtualMachines", accept=None))
        unset = feed.find("a:entry/a:content/m:properties/d:VMId", NAMESPACES)
        assert unset is not None
        assert unset.get(f"{{{NAMESPACES['m']}}}null") == "true"


class TestSirocco:
    """A cloud broker in Java: Atom only, lower case, the first cloud is the cloud."""

    @pytest.fixture
    def lower(self, tenant) -> str:
        return f"/sc2012r2/vmm/{tenant.tenant}/microsoft.management.odata.svc"

    def test_lower_case_all_the_way(self, tenant, lower, machine, stamp, fabric):
        clouds = tenant.get("clouds", root=lower, accept="application/atom+xml")
        assert texts(xml(clouds), "a:entry/a:content/m:properties/d:ID")[0] == str(fabric.cloud.pk)
        one = f"virtualmachines(StampId=guid'{stamp.pk}',ID=guid'{machine.pk}')"
        disks = tenant.get(f"{one}/virtualharddisks", root=lower, accept="application/atom+xml")
        assert disks.status_code == 200, disks.content
        assert len(xml(disks).findall("a:entry", NAMESPACES)) == 1

    def test_every_network_says_how_it_is_kept_apart(self, tenant, lower):
        feed = xml(tenant.get("vmnetworks", root=lower, accept="application/atom+xml"))
        kinds = texts(feed, "a:entry/a:content/m:properties/d:IsolationType")
        assert kinds
        assert all(kinds)

    def test_only_the_operation_is_put(self, tenant, lower, machine, stamp):
        entry = (
            '<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml">'
            f'<m:properties xmlns:m="{NAMESPACES["m"]}" xmlns:d="{NAMESPACES["d"]}">'
            "<d:Operation>Suspend</d:Operation></m:properties></content></entry>"
        )
        answer = tenant.send(
            "PUT",
            f"virtualmachines(StampId=guid'{stamp.pk}',ID=guid'{machine.pk}')",
            entry,
            root=lower,
            accept="application/atom+xml",
            content_type="application/atom+xml",
        )
        assert answer.status_code in (200, 204), answer.content
        finish(Job.objects.get(pk=answer["x-ms-request-id"]))
        machine.refresh_from_db()
        assert (machine.status, machine.name) == ("Paused", "web-01")


class TestWAPmod:
    """A PowerShell module of tenants: braces, plus signs, no types."""

    @pytest.mark.parametrize("literal", ["Guid'{}'", "guid'{{{}}}'", "Guid'{{{}}}'"])
    def test_guids_in_braces_and_plus_for_a_blank(self, tenant, machine, literal):
        id = literal.format(str(machine.pk).upper())
        (row,) = tenant.rows(f"VirtualMachines?$filter=ID+eq+{id}")
        assert row["ID"] == str(machine.pk)

    @pytest.mark.parametrize("word", ["0", "1", "true"])
    def test_a_body_without_a_type_and_an_option_odata_does_not_know(self, tenant, where, word):
        answer = tenant.send("PUT", f"{where}?RunAsynchronously={word}", {"Operation": "Stop"})
        assert (answer.status_code, answer.content) == (204, b"")


class TestWAPmodAdmin:
    """The same for administrators: full metadata, links followed as they stand."""

    def test_the_link_of_a_cloud_leads_to_its_networks(self, administrator, fabric):
        (cloud,) = json.loads(administrator.get("Clouds()", accept=FULL).content)["value"]
        link = cloud["LogicalNetworks@odata.navigationLinkUrl"]
        assert not link.startswith("http")
        (network,) = json.loads(administrator.get(link, accept=FULL).content)["value"]
        assert (network["odata.type"], network["Name"]) == ("VMM.LogicalNetwork", "Datacenter")


class TestDasein:
    """A cloud library in Java: everything is text, the stamp comes first."""

    def test_numbers_and_truths_are_text_and_the_entity_comes_back(
        self, tenant, order, machine, stamp
    ):
        as_text = order | {"Name": "texts", "CPUCount": "2", "Memory": "2048", "StartVM": "true"}
        made = tenant.send("POST", "VirtualMachines", as_text)
        assert made.status_code == 201, made.content
        told = json.loads(made.content)
        assert (told["CPUCount"], told["Memory"]) == (2, 2048)
        put = tenant.send(
            "PUT",
            f"VirtualMachines(StampId=guid'{stamp.pk}',ID=guid'{machine.pk}')",
            {"Operation": "Stop"},
            Prefer="return-content",
        )
        assert json.loads(put.content)["ID"] == str(machine.pk)

    def test_empty_parentheses_with_a_filter(self, tenant, machine, stamp):
        (row,) = tenant.rows(f"VirtualMachines()?$filter=StampId eq guid'{stamp.pk}'")
        assert row["ID"] == str(machine.pk)

    def test_errors_are_xml_where_xml_was_asked_for(self, tenant, order):
        del order["CloudId"]
        refused = tenant.send("POST", "VirtualMachines", order, accept="application/xml")
        assert refused.status_code == 400
        assert texts(xml(refused), "m:message") == ["The parameter CloudId is mandatory."]


class TestCloudAdmin:
    """Scripts of hosters: no Accept, links with absolute addresses."""

    def test_what_is_made_comes_back_in_atom_and_is_linked(self, admin_service: Caller, stamp):
        id = uuid.uuid4()
        body = {"Name": f"emil@example.net_{id}", "SubscriptionID": str(id)}
        made = admin_service.send("POST", "Tenants", body, accept=None)
        assert made.status_code == 201
        assert texts(xml(made), "a:content/m:properties/d:ID") == [str(id)]
        absolute = f"https://spf.example.net:8090{admin_service.root}/Stamps(guid'{stamp.pk}')"
        links = f"Tenants(guid'{id}')/$links/Stamps"
        linked = admin_service.send("POST", links, {"url": absolute}, accept=None)
        assert (linked.status_code, linked.content) == (204, b"")
