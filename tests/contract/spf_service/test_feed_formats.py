"""What is no plain feed or entry: properties, links, and answers for clients of older versions."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from django.http import HttpResponse

from fabric.vmm.models import NetworkAdapter, VirtualMachine
from tests.contract.spf_service.conftest import NAMESPACES, Caller, texts, xml
from tests.factories.vmm import acting_for, deploy

LIGHT = "application/json"
FULL, NONE, VERBOSE = (
    f"{LIGHT};odata={level}" for level in ("fullmetadata", "nometadata", "verbose")
)
ATOM = "application/atom+xml"
D, M = f"{{{NAMESPACES['d']}}}", f"{{{NAMESPACES['m']}}}"


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


@pytest.fixture
def place(machine, stamp) -> str:
    return f"VirtualMachines(ID=guid'{machine.pk}',StampId=guid'{stamp.pk}')"


@pytest.fixture
def adapter_place(machine, stamp) -> str:
    adapter = NetworkAdapter.objects.get(machine=machine)
    return f"VirtualNetworkAdapters(ID=guid'{adapter.pk}',StampId=guid'{stamp.pk}')"


def told(answer: HttpResponse) -> Any:
    assert answer.status_code == 200, answer.content
    assert answer["DataServiceVersion"] == "3.0;"
    return json.loads(answer.content)


# Properties


def test_a_simple_property_in_every_format(tenant, place):
    root = f"http://testserver{tenant.root}/"
    path = f"{place}/Name"
    assert told(tenant.get(path)) == {
        "odata.metadata": f"{root}$metadata#Edm.String",
        "value": "web-01",
    }
    assert told(tenant.get(path, accept=NONE)) == {"value": "web-01"}
    assert told(tenant.get(path, accept=VERBOSE)) == {"d": {"Name": "web-01"}}
    answer = tenant.get(path, accept=ATOM)
    assert answer["Content-Type"].startswith("application/xml")
    assert (xml(answer).tag, xml(answer).text) == (f"{D}Name", "web-01")


def test_a_property_without_a_value(tenant, place):
    path = f"{place}/FullName"
    assert told(tenant.get(path))["odata.null"] is True
    assert told(tenant.get(path, accept=VERBOSE)) == {"d": {"FullName": None}}
    assert xml(tenant.get(path, accept=ATOM)).get(f"{M}null") == "true"
    assert tenant.get(f"{path}/$value").status_code == 404


def test_a_structured_property_in_every_format(tenant, place, role):
    path = f"{place}/Owner"
    light = told(tenant.get(path))
    assert light["odata.metadata"].endswith("$metadata#VMM.UserAndRole")
    assert light["RoleID"] == str(role.pk)
    assert told(tenant.get(path, accept=FULL))["RoleID@odata.type"] == "Edm.Guid"
    verbose = told(tenant.get(path, accept=VERBOSE))["d"]["Owner"]
    assert verbose["__metadata"] == {"type": "VMM.UserAndRole"}
    owner = xml(tenant.get(path, accept=ATOM))
    assert owner.get(f"{M}type") == "VMM.UserAndRole"
    assert owner.findtext("d:RoleID", None, NAMESPACES) == str(role.pk)


def test_a_list_of_values_in_every_format(tenant, adapter_place):
    path = f"{adapter_place}/IPv4Addresses"
    light = told(tenant.get(path))
    assert light["odata.metadata"].endswith("#Collection(Edm.String)")
    (address,) = light["value"]
    verbose = told(tenant.get(path, accept=VERBOSE))["d"]["IPv4Addresses"]
    assert verbose["results"] == [address]
    addresses = xml(tenant.get(path, accept=ATOM))
    assert addresses.get(f"{M}type") == "Collection(Edm.String)"
    assert texts(addresses, "d:element") == [address]


# Links


def test_links_to_many_in_every_format(tenant, place, adapter_place):
    root = f"http://testserver{tenant.root}/"
    path = f"{place}/$links/VirtualNetworkAdapters"
    url = f"{root}{adapter_place}"
    assert told(tenant.get(path)) == {
        "odata.metadata": f"{root}$metadata#VirtualMachines/$links/VirtualNetworkAdapters",
        "value": [{"url": url}],
    }
    assert told(tenant.get(path, accept=NONE)) == {"value": [{"url": url}]}
    assert told(tenant.get(path, accept=VERBOSE)) == {"d": {"results": [{"uri": url}]}}
    links = tenant.get(path, accept=ATOM)
    assert links["Content-Type"].startswith("application/xml")
    assert texts(xml(links), "d:uri") == [url]


def test_links_to_one_in_every_format(tenant, place, fabric, stamp):
    root = f"http://testserver{tenant.root}/"
    path = f"{place}/$links/Cloud"
    url = f"{root}Clouds(ID=guid'{fabric.cloud.pk}',StampId=guid'{stamp.pk}')"
    assert told(tenant.get(path))["url"] == url
    assert told(tenant.get(path, accept=VERBOSE)) == {"d": {"uri": url}}
    link = xml(tenant.get(path, accept=ATOM))
    assert (link.tag, link.text) == (f"{D}uri", url)


# Older clients: Microsoft's .NET library of .NET 4 knows version 2


def of_version_2(caller: Caller, path: str, accept: str) -> HttpResponse:
    answer = caller.get(path, accept=accept, MaxDataServiceVersion="2.0;NetFx")
    assert answer.status_code == 200, answer.content
    assert answer["DataServiceVersion"] == "2.0;"
    return answer


@pytest.mark.parametrize("is_feed", [True, False])
def test_atom_of_version_2_has_nothing_of_version_3(tenant, place, is_feed):
    for path in ("VirtualMachines" if is_feed else place, "VirtualDiskDrives"):
        body = of_version_2(tenant, path, ATOM).content.decode()
        ElementTree.fromstring(body)
        assert "<d:ID" in body
        for later in ("m:action", "Collection(", "mediaresource"):
            assert later not in body


def test_verbose_json_of_version_2_counts_milliseconds(tenant, place):
    machine = json.loads(of_version_2(tenant, place, VERBOSE).content)["d"]
    assert machine["AddedTime"].startswith("/Date(")
    assert "GrantedToList" not in machine
    # With the newer version it is told as everywhere.
    newer = told(tenant.get(place, accept=VERBOSE))["d"]
    assert newer["AddedTime"][10] == "T"


# Full metadata: what WAPmod-admin follows


def test_links_of_full_metadata_lead_somewhere(tenant, place):
    machine = told(tenant.get(place, accept=FULL))
    assert machine["odata.type"] == "VMM.VirtualMachine"
    assert tenant.get(machine["odata.editLink"]).status_code == 200
    for name in ("Cloud", "VirtualNetworkAdapters", "VirtualDiskDrives"):
        assert tenant.get(machine[f"{name}@odata.navigationLinkUrl"]).status_code == 200
    drive = told(tenant.get("VirtualDiskDrives", accept=FULL))["value"][0]
    assert drive["#VMM.Expand"]["target"].endswith("/Expand")
