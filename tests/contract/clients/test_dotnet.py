"""Microsoft's own OData client for .NET against the running SPF, in Atom over HTTPS."""

from __future__ import annotations

import uuid

import pytest

from portal.embedded.certificates import ensure_certificates
from tests.contract.clients.conftest import DotNet, Fault

pytestmark = [
    pytest.mark.slow,
    # The processes' log files are left to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]
GUEST_PASSWORD = "Guest-secret-of-dotnet"


@pytest.fixture(scope="module")
def nets(machines) -> dict[str, str]:
    """Return the ids of three machines that are only looked at, by name."""
    return {name: machines.make(name) for name in ("net-1", "net-2", "net-3")}


@pytest.fixture(scope="module")
def machine(machines) -> str:
    """Return the id of a machine that is changed."""
    return machines.make("changing")


@pytest.fixture(scope="module")
def checkpoint(dotnet, machines, machine) -> str:
    """Return the id of a checkpoint the program has made."""
    said = dotnet.run("CreateCheckPoint", machine, "before the upgrade")
    assert said["status"] == ["201"]
    machines.finish(said["job"][0])
    return said["id"][0]


def test_an_authority_nobody_named_is_not_trusted(program, spf, tmp_path):
    other = DotNet(program, spf, ensure_certificates(tmp_path) / "ca.pem")
    with pytest.raises(Fault, match="TrustFailure"):
        other.run("ListSets")
    other.close()


def test_sets_are_read_as_typed_objects(dotnet, nets, spf):
    said = dotnet.run("ListSets")
    assert said["cloud"] == ["Gold"]
    assert said["template"] == ["Ubuntu 24.04"]
    assert said["role"] == [spf.world.alice]
    assert set(nets) <= set(said["machine"])


def test_a_program_that_ignores_no_missing_property_is_told_which(dotnet, nets):
    with pytest.raises(Fault, match="VirtualMachine does not have a corresponding AddedTime"):
        dotnet.run("ListStrictly")


def test_filter_order_page_and_count(dotnet, nets):
    said = dotnet.run("FilterOrderAndPage")
    assert (
        "$filter=startswith(Name,'net-') and (Memory ge 512)&$orderby=Name desc&$skip=1"
        in said["uri"][0]
    )
    assert said["found"] == ["net-2"]
    everyone = int(said["longcount"][0])
    assert int(said["count"][0]) == everyone - 1
    assert (said["onpage"], int(said["total"][0])) == (["1"], everyone)


ALL, ONE, NONE = "3", "1", "0"


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("guid", ALL),
        ("guid-none", NONE),
        ("datetime", ALL),
        ("datetime-none", NONE),
        ("byte", ALL),
        ("int64", ALL),
        ("boolean", ALL),
        ("null", ALL),
        ("not", ALL),
        ("contains", ALL),
        ("ends", ONE),
        ("upper", ONE),
        ("length", ALL),
        ("index", ALL),
        ("substring", ALL),
        ("replace", ONE),
        ("trim", ONE),
        ("year", ALL),
        ("arithmetic", ALL),
        ("complex", ALL),
        ("navigation", ALL),
        ("quote-none", NONE),
    ],
)
def test_every_kind_of_filter_linq_makes(filtered, kind, found):
    assert filtered[kind] == [found]


@pytest.fixture(scope="module")
def filtered(dotnet, nets) -> dict[str, list[str]]:
    """Return how many of the three machines each kind of filter finds."""
    return dotnet.run("FilterByEveryKind", "net-")


def test_a_projection_reads_only_what_it_shows(dotnet, nets):
    said = dotnet.run("Project")
    assert [line for line in said["machine"] if line.startswith("net-")] == [
        f"{name} 1024" for name in nets
    ]


def test_one_machine_by_its_composite_key(dotnet, nets, machines):
    said = dotnet.run("ReadOne", nets["net-1"])
    assert said["name"] == ["net-1"]
    assert said["owner"] == ["alice@example.net"]
    assert (said["status"], said["cores"]) == (["Running"], ["1"])
    # The program reads seven digits and the offset of Edm.DateTime as SPF writes it.
    assert said["created"][0][:19] == machines.row(nets["net-1"])["CreationTime"][:19]
    assert said["operation"] == ["True"]


@pytest.mark.parametrize("scenario", ["Expand", "LoadLater"])
def test_what_hangs_on_a_machine_comes_with_it_or_later(dotnet, nets, scenario):
    said = dotnet.run(scenario, nets["net-1"])
    assert said["cloud"] == ["Gold"]
    assert said["adapter"] == [f"front of {nets['net-1']}"]


def test_a_machine_is_inserted_and_its_answer_read_into_the_object(dotnet, machines, spf):
    said = dotnet.run("CreateMachine", "net-made", GUEST_PASSWORD)
    assert said["status"] == ["201"]
    assert said["shown"] == ["Creating..."]
    assert said["task"] == said["job"]
    assert said["input"] == ["True"]
    key = f"ID=guid'{said['id'][0]}',StampId=guid'{spf.world.stamp}'"
    assert said["address"] == [f"{spf.root(spf.world.alice)}VirtualMachines({key})"]
    machines.finish(said["job"][0])
    made = machines.row(said["id"][0])
    assert (made["Name"], made["Status"]) == ("net-made", "Running")


def test_a_refused_insert_says_why(dotnet):
    with pytest.raises(Fault) as caught:
        dotnet.run("CreateMachineOfNoCloud")
    assert caught.value.kinds[:2] == ["DataServiceRequestException", "DataServiceClientException"]
    assert "400 " in caught.value.message
    assert "The parameter CloudId is mandatory." in caught.value.message


@pytest.mark.parametrize("how", ["None", "ReplaceOnUpdate"])
def test_a_whole_machine_is_sent_back_and_one_property_changes(dotnet, machines, machine, how):
    """MERGE, or PUT: every property of the program's class is in the body."""
    before = machines.row(machine)
    said = dotnet.run("DescribeMachine", machine, f"Grüße & <{how}>", how)
    assert said["status"] == ["204"]
    machines.finish(said["job"][0])
    after = machines.row(machine)
    changed = {name for name in before if before[name] != after[name]}
    assert after["Description"] == f"Grüße & <{how}>"
    assert changed <= {"Description", "ModifiedTime", "MostRecentTaskId", "MostRecentTask"}


def test_an_operation_is_an_update_of_one_property(dotnet, machines, machine):
    for operation, status in (("Stop", "PowerOff"), ("Start", "Running")):
        machines.finish(dotnet.run("Operate", machine, operation)["job"][0])
        assert machines.row(machine)["Status"] == status
    with pytest.raises(Fault, match="400 .*There is no operation 'Fly'"):
        dotnet.run("Operate", machine, "Fly")


def test_a_machine_that_runs_is_not_deleted_and_a_stopped_one_is(dotnet, machines):
    id = machines.make("going")
    with pytest.raises(Fault, match="409 .*Stop it first"):
        dotnet.run("DeleteMachine", id)
    machines.finish(dotnet.run("Operate", id, "Stop")["job"][0])
    said = dotnet.run("DeleteMachine", id)
    assert said["status"] == ["204"]
    machines.finish(said["job"][0])
    assert machines.row(id) == {}


def test_a_checkpoint_is_inserted_and_found_by_its_machine(dotnet, machine, checkpoint):
    assert dotnet.run("ListCheckPoints", machine) == {"checkpoint": ["before the upgrade "]}


def test_a_whole_checkpoint_is_sent_back(dotnet, machine, checkpoint):
    assert dotnet.run("DescribeCheckPoint", checkpoint, "kept a week")["status"] == ["204"]
    said = dotnet.run("ListCheckPoints", machine)
    assert said["checkpoint"] == ["before the upgrade kept a week"]


def test_a_checkpoint_is_restored_and_deleted(dotnet, machines, machine, checkpoint):
    restored = dotnet.run("RestoreCheckPoint", checkpoint)
    assert restored["status"] == ["204"]
    machines.finish(restored["job"][0])
    deleted = dotnet.run("DeleteCheckPoint", checkpoint)
    assert deleted["status"] == ["204"]
    machines.finish(deleted["job"][0])
    assert dotnet.run("ListCheckPoints", machine) == {}


def test_a_user_role_is_inserted_merged_and_deleted(dotnet):
    id = str(uuid.uuid4())
    made = dotnet.run("CreateRole", id, f"dora@example.net_{id}")
    assert (made["status"], made["id"], made["profile"]) == (["201"], [id], ["TenantAdmin"])
    merged = dotnet.run("DescribeRole", id, "Dora's")
    assert (merged["status"], merged["description"]) == (["204"], ["Dora's"])
    assert dotnet.run("DeleteRole", id)["status"] == ["204"]
    with pytest.raises(Fault, match="404 .*Resource not found"):
        dotnet.run("DescribeRole", id, "gone")


def test_a_tenant_is_linked_to_a_stamp_and_parted(dotnet, spf):
    said = dotnet.run("LinkTenant", str(uuid.uuid4()), "emil@example.net")
    assert said["status"] == ["201", "204", "204"]
    assert (said["linked"], said["parted"]) == ([spf.world.stamp], [""])


def test_changes_are_sent_in_one_batch(dotnet):
    names = [f"batch_{uuid.uuid4()}" for _ in range(2)]
    said = dotnet.run("CreateRolesInABatch", *names)
    assert said == {"batch": ["202"], "status": ["201", "201"]}


def test_a_refused_change_undoes_its_batch(dotnet, spf):
    name = f"batch_{uuid.uuid4()}"
    with pytest.raises(Fault) as caught:
        dotnet.run("CreateRolesInABatch", name, name)
    assert caught.value.kinds[0] == "DataServiceRequestException"
    with spf.client(spf.root()) as client:
        found = client.get("UserRoles", params={"$filter": f"Name eq '{name}'"})
    assert found.json()["value"] == []


def test_questions_are_asked_in_one_batch(dotnet, nets):
    said = dotnet.run("QueryInABatch")
    assert (said["batch"], said["status"]) == (["202"], ["200", "200"])
    assert said["found"][0] == "Cloud"
    assert said["found"].count("VirtualMachine") >= len(nets)
