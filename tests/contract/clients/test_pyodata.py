"""pyodata, a client of version 2 of the protocol, against the running SPF, in JSON over HTTPS."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyodata
import pytest
from pyodata.exceptions import HttpError, PyODataModelError
from pyodata.v2.model import Config, ParserError, PolicyIgnore
from pyodata.v2.service import GetEntitySetFilter

from tests.realspf import RealSPF

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


class Session:
    """What pyodata wants of a connection, over httpx."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def request(
        self,
        method: str,
        url: str,
        headers: Any = None,
        params: str | None = None,
        data: str | None = None,
    ) -> httpx.Response:
        address = f"{url}?{params}" if params else url
        return self._client.request(method, address, headers=headers, content=data)


# The type of VMConnection came with version 3; pyodata passes over it when it is told to.
LENIENT = {"custom_error_policies": {ParserError.PROPERTY: PolicyIgnore()}}
STREAM = "VMConnection"
NOBODY = "00000000-0000-0000-0000-00000000000f"


@contextmanager
def opened(spf: RealSPF, tenant: str | None = None, **config: Any) -> Iterator[Any]:
    """Yield a door as pyodata sees it."""
    with spf.client(spf.root(tenant)) as client:
        # It says nothing of versions itself; plain JSON is the verbose form for who reads only 2.
        client.headers["MaxDataServiceVersion"] = "2.0"
        settings = Config(retain_null=True, **config)
        yield pyodata.Client(str(client.base_url), Session(client), config=settings)


@pytest.fixture(scope="module")
def service(spf) -> Iterator[Any]:
    with opened(spf, spf.world.alice, **LENIENT) as found:
        yield found


@pytest.fixture(scope="module")
def machine(machines) -> str:
    """Return the id of a machine that is only looked at."""
    return machines.make("py-1")


@pytest.fixture
def administrator(spf) -> Iterator[Any]:
    with opened(spf, **LENIENT) as found:
        yield found


def test_it_understands_every_set_and_type_of_the_metadata(service):
    sets = {each.name: each for each in service.schema.entity_sets}
    assert {"VirtualMachines", "VMCheckPoints", "UserRoles", "Jobs"} <= sets.keys()
    machine = sets["VirtualMachines"].entity_type
    assert [each.name for each in machine.key_proprties] == ["ID", "StampId"]
    kinds = {each.name: each.typ.name for each in machine.proprties() if each.name != STREAM}
    assert kinds["Memory"] == "Edm.Int32"
    assert kinds["CreationTime"] == "Edm.DateTime"
    assert kinds["Owner"] == "UserAndRole"
    targets = {each.name: each.to_role.entity_type_name for each in machine.nav_proprties}
    assert (targets["Cloud"], targets["MostRecentTask"]) == ("Cloud", "Job")


def test_the_only_type_it_does_not_know_is_the_stream(spf):
    with pytest.raises(PyODataModelError, match=r"requested type Edm\.Stream$"), opened(spf):
        pass


def test_lists_are_objects_with_types(service, machine):
    (cloud,) = service.entity_sets.Clouds.get_entities().execute()
    assert cloud.Name == "Gold"
    found = {each.ID: each for each in service.entity_sets.VirtualMachines.get_entities().execute()}
    one = found[machine]
    assert (one.Name, one.Memory, one.CPUCount, one.StartVM) == ("py-1", 1024, 1, None)
    assert one.Owner["UserName"] == "alice@example.net"
    assert abs(datetime.now(UTC) - one.CreationTime) < timedelta(minutes=5)


def test_filter_order_top_and_count(service, machine, machines):
    machines.make("py-2")
    vms = service.entity_sets.VirtualMachines
    some = "startswith(Name,'py-') and Memory ge 512 and Status eq 'Running'"
    named = vms.get_entities().filter(some).order_by("Name desc")
    assert [each.Name for each in named.execute()] == ["py-2", "py-1"]
    paged = vms.get_entities().filter(some).order_by("Name").skip(1).top(1).count(inline=True)
    page = paged.execute()
    assert ([each.Name for each in page], page.total_count) == (["py-2"], 2)
    assert vms.get_entities().filter(some).count().execute() == 2
    question = vms.get_entities()
    built = question.filter(
        GetEntitySetFilter.and_(question.Name == "py-1", machine == question.ID)
    )
    assert [each.ID for each in built.execute()] == [machine]


def test_one_machine_by_its_composite_key(service, spf, machine):
    one = service.entity_sets.VirtualMachines.get_entity(ID=machine, StampId=spf.world.stamp)
    assert one.execute().Name == "py-1"
    nobody = service.entity_sets.VirtualMachines.get_entity(ID=NOBODY, StampId=spf.world.stamp)
    with pytest.raises(HttpError) as caught:
        nobody.execute()
    assert caught.value.response.status_code == 404
    told = caught.value.response.json()["error"]["message"]["value"]
    assert told == "Resource not found for the segment 'VirtualMachines'."


def test_what_hangs_on_a_machine_is_expanded_or_navigated_to(service, spf, machine):
    vms = service.entity_sets.VirtualMachines
    asked = vms.get_entity(ID=machine, StampId=spf.world.stamp)
    one = asked.expand("Cloud,VirtualNetworkAdapters").execute()
    assert one.Cloud.Name == "Gold"
    assert [each.VMNetworkName for each in one.VirtualNetworkAdapters] == ["front"]
    adapters = one.nav("VirtualNetworkAdapters").get_entities().execute()
    assert [each.VMId for each in adapters] == [machine]
    (picked,) = vms.get_entities().filter("Name eq 'py-1'").select("Name,Memory").execute()
    assert (picked.Name, picked.Memory) == ("py-1", 1024)


def test_a_machine_is_created_changed_and_deleted(service, machines, spf):
    world, vms = spf.world, service.entity_sets.VirtualMachines
    order = {"StampId": world.stamp, "CloudId": world.cloud, "VMTemplateId": world.template}
    made = vms.create_entity().set(Name="py-made", StartVM=True, **order).execute()
    assert (made.Name, made.StatusString, made.StartVM) == ("py-made", "Creating...", None)
    machines.finish(made.MostRecentTaskId)

    key = {"ID": made.ID, "StampId": world.stamp}
    vms.update_entity(**key).set(Description="Grüße", Tag="a tag").execute()
    machines.settle(made.ID)
    vms.update_entity(**key, method="MERGE").set(Operation="Stop").execute()
    machines.settle(made.ID)
    row = machines.row(made.ID)
    assert (row["Description"], row["Tag"], row["Status"]) == ("Grüße", "a tag", "PowerOff")

    vms.delete_entity(**key).execute()
    machines.settle(made.ID)
    assert machines.row(made.ID) == {}


def test_a_refusal_says_why(service, spf):
    order = service.entity_sets.VirtualMachines.create_entity()
    with pytest.raises(HttpError) as caught:
        order.set(Name="lost", StampId=spf.world.stamp).execute()
    assert caught.value.response.status_code == 400
    told = caught.value.response.json()["error"]["message"]
    assert told == {"lang": "en-US", "value": "The parameter CloudId is mandatory."}


def test_a_checkpoint_is_created_changed_restored_and_deleted(service, machines, spf):
    id, points = machines.make("py-checked"), service.entity_sets.VMCheckPoints
    order = {"StampId": spf.world.stamp, "VMId": id, "Name": "before"}
    made = points.create_entity().set(**order).execute()
    machines.settle(id)
    mine = points.get_entities().filter(
        f"StampId eq guid'{spf.world.stamp}' and VMId eq guid'{id}'"
    )
    (listed,) = mine.execute()
    assert (listed.ID, listed.Name) == (made.ID, "before")

    key = {"ID": made.ID, "StampId": spf.world.stamp}
    points.update_entity(**key).set(Description="kept a week").execute()
    assert points.get_entity(**key).execute().Description == "kept a week"
    points.update_entity(**key).set(VMCheckPointAction="Restore").execute()
    machines.settle(id)
    points.delete_entity(**key).execute()
    machines.settle(id)
    assert len(mine.execute()) == 0


def test_a_user_role_is_created_changed_and_deleted(administrator, service):
    roles, id = administrator.entity_sets.UserRoles, str(uuid.uuid4())
    name = f"dora@example.net_{id}"
    made = roles.create_entity().set(ID=id, Name=name, UserRoleProfile="TenantAdmin").execute()
    assert (made.ID, made.Profile) == (id, "TenantAdmin")
    roles.update_entity(ID=id).set(Description="Dora's").execute()
    assert roles.get_entity(id).execute().Description == "Dora's"
    (found,) = roles.get_entities().filter(f"Name eq '{name}'").execute()
    assert id == found.ID
    assert id not in [each.ID for each in service.entity_sets.UserRoles.get_entities().execute()]
    roles.delete_entity(id).execute()
    with pytest.raises(HttpError):
        roles.get_entity(id).execute()
