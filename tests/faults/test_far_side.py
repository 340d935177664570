"""What lies beyond a worker fails: SPF, hosts, the database."""

from __future__ import annotations

import pytest

from fabric.durable.states import JobState
from fabric.hypervisors.simulated import clear_faults, plan_fault
from fabric.models import Job
from fabric.vmm.models import Job as VMMJob
from fabric.vmm.models import VirtualMachine
from tests.faults import probe
from tests.faults.cloud import until

pytestmark = pytest.mark.faults

SPF, HOSTS, DATABASE = "SPF", "Hosts", "The database"


def tried_again(model, **wanted) -> bool:
    """Tell whether a job stands before another try."""
    return model.objects.filter(message__endswith="Trying again.", **wanted).exists()


def test_the_reply_to_the_order_is_lost(cloud, prove):
    mishap = cloud.door.lose_reply("POST")
    (machine,) = cloud.order("lost-reply")
    prove.well(machine)
    assert mishap.met.is_set()
    prove.note(SPF, "The reply to the order is lost", machine)
    prove.gone(machine)


def test_the_order_arrives_after_its_own_repetition(cloud, prove):
    """The first try was given up, the second found nothing and ordered again; then both came."""
    mishap = cloud.door.hold_up("POST")
    (machine,) = cloud.order("late-order")
    until(
        lambda: VirtualMachine.objects.filter(tag=str(machine.pk)).exists(),
        lambda: "the second try",
    )
    mishap.release()
    assert mishap.delivered.wait(120)
    prove.well(machine)
    prove.note(SPF, "The order arrives late, after its own repetition", machine)
    prove.gone(machine)


def test_replies_to_a_removal_are_lost(cloud, prove):
    (machine,) = cloud.order("lost-bye")
    prove.well(machine)
    mishaps = [cloud.door.lose_reply(method) for method in ("MERGE", "DELETE")]
    prove.gone(machine)
    assert all(mishap.met.is_set() for mishap in mishaps)
    prove.note(SPF, "The replies to stop and delete are lost", machine, "nothing is left")


def test_spf_is_killed_as_the_order_comes(cloud, prove):
    mishap = cloud.door.upon("POST", lambda: cloud.stack.kill("spf"))
    (machine,) = cloud.order("spf-killed")
    until(lambda: tried_again(Job, machine=machine), lambda: "the portal to notice")
    cloud.stack.start("spf")
    prove.well(machine)
    assert mishap.met.is_set()
    prove.note(SPF, "SPF is killed as the order comes, and started again", machine)
    prove.gone(machine)


def test_spf_is_down_while_a_machine_deploys(cloud, prove):
    """VMM goes on without it; the portal learns the outcome when SPF is back."""
    plan = cloud.plan("spf-down", "deploy", "ensure_disks", "between", probe.HOLD)
    (machine,) = cloud.order("spf-down")
    until(lambda: plan.struck, lambda: "VMM to copy the disk")
    cloud.stack.kill("spf")
    plan.release()
    until(
        lambda: VMMJob.objects.filter(target_name="spf-down", state=JobState.SUCCEEDED).exists(),
        lambda: "VMM to end alone",
    )
    cloud.stack.start("spf")
    prove.well(machine)
    prove.note(SPF, "SPF is down while VMM deploys", machine)
    prove.gone(machine)


VERBS = ("ensure_disk", "ensure_defined", "ensure_adapter", "ensure_power", "ensure_guest_setup")


def test_hosts_do_as_told_and_lose_the_reply(cloud, prove):
    """Machines spread over the empty hosts, so each of them meets one of the verbs."""
    for n, host in enumerate(cloud.hosts()):
        plan_fault(cloud.rack, host, VERBS[n % len(VERBS)], "lose_reply")
    machines = [cloud.place(f"host-reply-{n}") for n in range(len(cloud.hosts()))]
    prove.well(*machines)
    assert cloud.planned_on_hosts() == 0
    for verb, machine in zip(VERBS, machines, strict=False):
        prove.note(HOSTS, f"The reply to {verb} is lost", machine)
    for host in cloud.hosts():
        plan_fault(cloud.rack, host, "ensure_removed", "lose_reply")
    prove.gone(*machines)
    assert cloud.planned_on_hosts() == 0
    prove.note(HOSTS, "The reply to ensure_removed is lost", machines[0], "nothing is left")


def test_a_host_is_unreachable_for_a_while(cloud, prove):
    for host in cloud.hosts():
        plan_fault(cloud.rack, host, "*", "vanish")
    (machine,) = cloud.order("host-away")
    until(lambda: tried_again(VMMJob, target_name="host-away"), lambda: "VMM to notice")
    clear_faults(cloud.rack)
    prove.well(machine)
    prove.note(HOSTS, "The host is unreachable for a while", machine)
    prove.gone(machine)


def test_the_database_is_restarted_mid_way(cloud, prove):
    plans = [
        cloud.plan("db-portal", "machine.deploy", "ensure_ordered", "between", probe.HOLD),
        cloud.plan("db-vmm", "deploy", "ensure_defined", "between", probe.HOLD),
    ]
    machines = cloud.order("db-portal", "db-vmm", "db-beside")
    until(lambda: all(plan.struck for plan in plans), lambda: "both to be mid-way")
    cloud.stack.stop_postgres()
    for plan in plans:
        plan.release()
    cloud.stack.start_postgres()
    cloud.forget_connection()
    prove.well(*machines)
    prove.note(DATABASE, "It is restarted while the portal orders", machines[0])
    prove.note(DATABASE, "It is restarted while VMM deploys", machines[1])
    prove.gone(*machines)
