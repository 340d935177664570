"""One suite over every provider: what fabric/providers/base.py promises."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from fabric.providers.abilities import ALL, JOB_STEPS, LOAD, SP1, Description
from fabric.providers.base import OrderedAdapter, RemoteJob, RemotePool
from fabric.providers.errors import Forbidden, Missing, ProviderFault, Rejected, Unreachable
from tests.contract.provider.benches import ALICE, BACK_POOL, BOB, CHARLIE, Bench
from tests.contract.provider.generations import Strict


def job(bench: Bench, accepted) -> RemoteJob:
    (found,) = bench.provider.jobs(bench.stamp_id, [accepted.job_id])
    return found


def is_refused(bench: Bench, call) -> bool:
    """Whether a call is refused, at once or by a job that fails; both are allowed."""
    try:
        accepted = call()
    except (Rejected, Forbidden):
        return True
    bench.settle()
    return not job(bench, accepted).succeeded


def test_check_tells_the_abilities(bench):
    assert set(bench.provider.check()) == ALL - bench.lacks


def test_what_is_described_can_be_kept_and_read_again(bench):
    described = bench.provider.describe()
    assert described.generation == bench.generation
    assert Description.from_json(json.loads(json.dumps(described.as_json()))) == described


def test_the_account_is_let_in_everywhere_it_is_needed(bench):
    told = {each.service: each for each in bench.provider.check_account()}
    assert list(told) == ["Admin", "VMM", "VMM rights", "Provider", "Usage"]
    assert [told[name].ok for name in ("Admin", "VMM", "VMM rights")] == [True] * 3
    assert told["Usage"].group == "SPF_Usage"


def test_the_stamp_is_known_by_its_servers_name(bench):
    assert [(s.id, s.name) for s in bench.provider.stamps()] == [(bench.stamp_id, bench.stamp_name)]


def test_a_stamp_known_already_is_not_registered_again(bench):
    for name in (bench.stamp_name, bench.stamp_name.upper()):
        assert bench.provider.ensure_stamp(name).id == bench.stamp_id
    assert len(bench.provider.stamps()) == 1


def test_the_inventory_holds_what_a_plan_is_made_of(bench):
    found = bench.provider.inventory(bench.stamp_id)
    (cloud,) = found.clouds
    assert (cloud.id, cloud.name, cloud.cores) == (bench.cloud_id, "Gold", None)
    (template,) = found.templates
    assert template.id == bench.template_id
    # 2012 SP1 tells no kinds of systems.
    assert template.os_type == ("" if bench.generation == SP1 else "Linux")
    assert template.cores >= 1
    assert template.storage_gb > 0
    networks = {network.name: network for network in found.networks}
    assert networks.keys() == {"front", "back"}
    assert networks["front"].id == bench.network_id
    assert networks["front"].logical_network_id in cloud.logical_network_ids
    subnets = {name: network.subnets for name, network in networks.items()}
    assert subnets == {"front": ("10.20.0.0/22",), "back": ("10.30.0.0/24",)}
    pools = {name: network.pools for name, network in networks.items()}
    whole = RemotePool("10.20.0.1", "10.20.3.254", gateways=("10.20.0.1",))
    # 2012 SP1 does not tell whose subnet a pool is in.
    knows = bench.generation != SP1
    assert pools == {
        "front": (whole,) if knows else None,
        "back": (BACK_POOL,) if knows else None,
    }
    disks = {disk.name: (disk.id, disk.size_gb) for disk in found.library_disks}
    assert disks["data"] == (bench.library_disk_id, 5)
    (image,) = found.media
    assert (image.id, image.name.endswith(".iso")) == (bench.media_id, True)
    assert not found.lacks_rights


def test_the_inventory_tells_what_is_in_use(bench):
    bench.needs(JOB_STEPS)
    (template,) = bench.provider.inventory(bench.stamp_id).templates
    bench.deploy(bench.tenant(), cores=3)
    (cloud,) = bench.provider.inventory(bench.stamp_id).clouds
    assert cloud.used == {
        "machines": 1,
        "cores": 3,
        "memory_mb": 2048,
        "storage_gb": template.storage_gb,
    }


def test_a_computer_name_is_ordered_or_left_to_the_template(bench):
    tenant = bench.tenant()
    for name, computer_name in (("web-01", ""), ("web-02", "db-7")):
        _, machine = bench.deploy(tenant, name=name, computer_name=computer_name)
        assert bench.status(machine) == "Running"


def test_an_unknown_stamp_offers_nothing(bench):
    found = bench.provider.inventory(uuid4())
    assert not found.clouds + found.templates + found.networks


def test_a_tenant_may_be_ensured_again_and_again(bench):
    order = bench.tenant_order()
    for _ in range(3):
        bench.provider.ensure_tenant(order)
    bench.deploy(order.id)


def test_a_tenants_lost_reply_is_no_harm(bench):
    order = bench.tenant_order()
    bench.lose_reply("ensure_tenant")
    with pytest.raises(Unreachable):
        bench.provider.ensure_tenant(order)
    bench.provider.ensure_tenant(order)
    bench.deploy(order.id)


def test_limits_follow_the_order_up_and_down(bench):
    order = bench.tenant_order()
    bench.provider.ensure_tenant(replace(order, limits=order.limits | {"machines": 1}))
    bench.deploy(order.id)
    second = bench.order(name="web-02")

    def make():
        return bench.provider.ensure_machine(second, tenant=order.id, person=ALICE, first_try=False)

    assert is_refused(bench, make)
    bench.provider.ensure_tenant(replace(order, limits=order.limits | {"machines": None}))
    assert not is_refused(bench, make)
    bench.provider.ensure_tenant(replace(order, limits=order.limits | {"machines": 0}))
    bench.settle()
    assert is_refused(bench, lambda: _make(bench, order.id, name="web-03"))


def _make(bench, tenant, **fields):
    order = bench.order(**fields)
    return bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)


def test_permissions_follow_the_order(bench):
    order = bench.tenant_order()
    bench.provider.ensure_tenant(order)
    _, machine = bench.deploy(order.id)
    fewer = tuple(name for name in order.permissions if name != "Stop")
    bench.provider.ensure_tenant(replace(order, permissions=fewer))
    with pytest.raises(Forbidden):
        bench.operate(machine, "Stop", order.id)
    bench.provider.ensure_tenant(order)
    bench.operate(machine, "Stop", order.id)
    assert bench.status(machine) == "PowerOff"


def test_resources_follow_the_order(bench):
    order = bench.tenant_order()
    bench.provider.ensure_tenant(order)
    bench.provider.ensure_tenant(replace(order, resources=()))
    with pytest.raises((Rejected, Missing, Forbidden)):
        _make(bench, order.id)
    bench.provider.ensure_tenant(order)
    bench.deploy(order.id)


def test_a_machine_is_made_and_started(bench):
    tenant = bench.tenant()
    order = bench.order()
    accepted = bench.provider.ensure_machine(order, tenant=tenant, person=BOB, first_try=True)
    begun = job(bench, accepted)
    assert begun.id == accepted.job_id
    assert not begun.completed
    assert bench.status(accepted.object_id) == "UnderCreation"
    bench.settle()
    done = job(bench, accepted)
    assert (done.completed, done.succeeded, done.percent) == (True, True, 100)
    assert {step.state for step in done.steps} == (set() if JOB_STEPS in bench.lacks else {"done"})
    assert all(step.title and step.ended_at for step in done.steps)
    (machine,) = bench.provider.machines(bench.stamp_id, [accepted.object_id])
    assert (machine.tag, machine.name, machine.status) == (order.tag, "web-01", "Running")
    assert (machine.cores, machine.memory_mb) == (2, 2048)
    assert machine.owner_role_id == tenant
    assert machine.addresses[0].startswith("10.20.")
    assert machine.os_name
    assert machine.host_name


def test_sizes_not_ordered_are_the_templates(bench):
    (template,) = bench.provider.inventory(bench.stamp_id).templates
    _, id = bench.deploy(bench.tenant(), cores=None, memory_mb=None, adapters=())
    (machine,) = bench.provider.machines(bench.stamp_id, [id])
    assert (machine.cores, machine.memory_mb) == (template.cores, template.memory_mb)


def test_a_lost_reply_is_found_and_never_doubled(bench):
    tenant, order = bench.tenant(), bench.order()
    bench.lose_reply("ensure_machine")
    with pytest.raises(Unreachable) as caught:
        bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)
    assert caught.value.retry_after
    again = bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=False)
    third = bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=False)
    assert again == third
    bench.settle()
    assert job(bench, again).succeeded
    assert [m.id for m in bench.provider.machines(bench.stamp_id)] == [again.object_id]


def test_a_failed_creation_stays_says_why_and_is_repaired_in_place(bench):
    tenant, order = bench.tenant(), bench.order()
    bench.fail_next("ensure_machine")
    made = bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=True)
    bench.settle()
    failed = job(bench, made)
    assert (failed.completed, failed.succeeded) == (True, False)
    assert failed.problem
    assert bench.status(made.object_id) == "CreationFailed"
    again = bench.provider.ensure_machine(order, tenant=tenant, person=ALICE, first_try=False)
    assert again.object_id == made.object_id
    assert not job(bench, again).completed
    bench.settle()
    assert job(bench, again).succeeded
    assert bench.status(made.object_id) == "Running"


def test_a_machine_is_found_by_its_tag(bench):
    tenant = bench.tenant()
    order, id = bench.deploy(tenant)
    bench.deploy(tenant, name="web-01")
    asked = {"stamp_id": bench.stamp_id, "tenant": tenant, "person": ALICE}
    assert bench.provider.find_machine(order.tag, order.name, **asked).id == id
    assert bench.provider.find_machine(order.tag, "it was renamed", **asked).id == id
    assert bench.provider.find_machine(str(uuid4()), order.name, **asked) is None
    nobody = asked | {"tenant": uuid4()}
    assert bench.provider.find_machine(str(uuid4()), order.name, **nobody) is None


def test_power_goes_through_the_operations(bench):
    tenant = bench.tenant()
    _, machine = bench.deploy(tenant)
    for operation, status in (
        ("Suspend", "Paused"),
        ("Resume", "Running"),
        ("SaveState", "Saved"),
        ("Start", "Running"),
        ("Shutdown", "PowerOff"),
        ("Start", "Running"),
        ("Stop", "PowerOff"),
    ):
        bench.operate(machine, operation, tenant)
        assert bench.status(machine) == status


def test_an_operation_that_makes_no_sense_is_refused(bench):
    tenant = bench.tenant()
    _, machine = bench.deploy(tenant)
    for operation in ("Start", "Teleport"):
        with pytest.raises(Rejected):
            bench.operate(machine, operation, tenant)
    assert bench.status(machine) == "Running"


def test_a_machine_is_removed_when_it_is_off(bench):
    tenant = bench.tenant()
    order, machine = bench.deploy(tenant)
    asked = {"stamp_id": bench.stamp_id, "tenant": tenant, "person": ALICE}
    assert is_refused(bench, lambda: bench.provider.remove_machine(machine, **asked))
    bench.operate(machine, "Stop", tenant)
    accepted = bench.provider.remove_machine(machine, **asked)
    bench.settle()
    assert job(bench, accepted).succeeded
    assert bench.status(machine) is None
    assert bench.provider.remove_machine(machine, **asked) is None
    assert bench.provider.find_machine(order.tag, order.name, **asked) is None


def test_a_stranger_reaches_no_machine_of_others(bench):
    alices, charlies = bench.tenant(), bench.tenant(people=(CHARLIE,))
    order, machine = bench.deploy(alices)
    asked = {"stamp_id": bench.stamp_id, "tenant": charlies, "person": CHARLIE}
    with pytest.raises(Missing):
        bench.provider.operate(machine, "Stop", **asked)
    with pytest.raises(ProviderFault):
        bench.provider.remove_machine(machine, **asked)
    assert bench.provider.find_machine(order.tag, order.name, **asked) is None
    assert bench.status(machine) == "Running"


def test_what_a_role_may_not_use_is_refused(bench):
    tenant = bench.tenant()
    for fields in (
        {"cloud_id": uuid4()},
        {"template_id": uuid4()},
        {"adapters": (OrderedAdapter("nobody's"),)},
    ):
        with pytest.raises((Rejected, Missing, Forbidden)):
            _make(bench, tenant, **fields)
    with pytest.raises((Missing, Forbidden)):
        _make(bench, uuid4())
    assert not bench.provider.machines(bench.stamp_id)


def test_a_list_of_ids_answers_what_is_known_of_them(bench):
    tenant = bench.tenant()
    made = [_make(bench, tenant, name=f"web-{n}", cores=1) for n in range(2)]
    machines = [each.object_id for each in made]
    strangers = [uuid4() for _ in range(45)]
    found = bench.provider.machines(bench.stamp_id, [*strangers, *machines, machines[0]])
    assert {machine.id for machine in found} == set(machines)
    assert len(found) == 2
    jobs = bench.provider.jobs(bench.stamp_id, [*strangers, made[0].job_id])
    assert [each.id for each in jobs] == [made[0].job_id]
    assert bench.provider.machines(bench.stamp_id, []) == ()
    assert bench.provider.machines(uuid4()) == ()


@pytest.mark.parametrize("frame", ["hour", "day", "month"])
def test_load_comes_as_curves(bench, frame):
    bench.needs(LOAD)
    _, machine = bench.deploy(bench.tenant())
    curves = bench.provider.load(bench.stamp_id, machine, frame)
    assert {curve.counter for curve in curves} <= {"cpu", "memory", "storage", "network"}
    for curve in curves:
        assert len(curve.samples) == len(curve.times)
        assert list(curve.times) == sorted(curve.times)
        assert all(at.tzinfo is not None for at in curve.times)


def test_what_changed_since_a_machine_was_told(bench):
    tenant = bench.tenant()
    _, first = bench.deploy(tenant, name="web-01")
    _, second = bench.deploy(tenant, name="web-02")
    told = {each.id: each for each in bench.provider.machines(bench.stamp_id)}
    mark = max(each.modified_at for each in told.values())
    assert mark.tzinfo is not None
    bench.operate(first, "Stop", tenant)
    changed = bench.provider.changes(bench.stamp_id, mark)
    assert [(each.id, each.status) for each in changed.machines] == [(first, "PowerOff")]
    # What set the mark is told as well when asked for from before it.
    both = bench.provider.changes(bench.stamp_id, mark - timedelta(seconds=1)).machines
    assert {each.id for each in both} == {first, second}
    assert changed.count in (2, None)


def test_all_waiting_jobs_are_asked_for_in_few_short_queries(bench):
    accepted = _make(bench, bench.tenant())
    if bench.transport is None:
        pytest.skip("there is no wire")
    bench.transport.addresses.clear()
    ids = [accepted.job_id, *(uuid4() for _ in range(89))]
    assert [each.id for each in bench.provider.jobs(bench.stamp_id, ids)] == [accepted.job_id]
    asked = bench.transport.addresses
    if JOB_STEPS in bench.lacks:
        assert max(len(url.query) for url in asked) <= 2048
    if not isinstance(bench.transport, Strict):
        # Pages and guests ask more, never once for each of them.
        assert len(asked) <= 6


def test_a_change_tells_all_that_a_list_does(bench):
    tenant = bench.tenant()
    _, machine = bench.deploy(tenant)
    (alone,) = bench.provider.machines(bench.stamp_id, [machine])
    since = alone.modified_at - timedelta(minutes=1)
    (changed,) = bench.provider.changes(bench.stamp_id, since).machines
    assert changed == alone
    assert changed.addresses


def test_nothing_changes_on_a_stamp_nobody_knows(bench):
    since = datetime.now(UTC) - timedelta(days=1)
    assert bench.provider.changes(uuid4(), since).machines == ()
