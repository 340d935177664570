"""The machines of the fabric: their list, the page of one, and what can be asked of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from fabric.vmm.models import Job, UserRole, VirtualMachine
from fabric.vmm.states import MachineStatus
from portal.templatetags.names import broken
from tenants.models import Operation, Phase
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, finish, make_role, order

TABS = ("", "configure", "disks", "networks", "dvd", "checkpoints", "placement", "jobs")


@pytest.fixture
def machine(fabric) -> VirtualMachine:
    return deploy(fabric, ADMINISTRATOR, "web-01", description="The shop.")


@pytest.fixture
def reader(olga) -> UserRole:
    """Make olga one who may read everything and change nothing."""
    return UserRole.objects.create(name="Auditors", profile="ReadOnlyAdmin", members=[olga.email])


def page(machine: VirtualMachine, tab: str = "") -> str:
    return reverse("fabric-machine", args=[machine.pk]) + (f"?tab={tab}" if tab else "")


def act(machine: VirtualMachine, act: str, of: object = "") -> str:
    return reverse("fabric-machine-act", args=[machine.pk, act]) + (f"?of={of}" if of else "")


def test_the_list_shows_machines_of_everybody(site, fabric, machine) -> None:
    deploy(fabric, acting_for(make_role(fabric)), "db-01")
    shown = site.get(reverse("fabric-machine-list")).content.decode()
    for word in ("web-01", "db-01", "Running", "Gold", "alice@example.net", "New virtual machine"):
        assert word in shown


def test_the_list_is_narrowed(site, fabric, machine) -> None:
    deploy(fabric, ADMINISTRATOR, "db-01", start=False)
    url = reverse("fabric-machine-list")
    for query in ("q=db", "status=PowerOff", f"status=PowerOff&cloud={fabric.cloud.pk}"):
        shown = site.get(f"{url}?{query}").content.decode()
        assert "db-01" in shown
        assert "web-01" not in shown


def test_the_list_costs_the_same_for_many(
    site, fabric, machine, django_assert_max_num_queries
) -> None:
    url = reverse("fabric-machine-list")
    with django_assert_max_num_queries(40) as first:
        site.get(url)
    for number in range(3):
        order(fabric, ADMINISTRATOR, f"app-{number}")
    with django_assert_max_num_queries(len(first)):
        site.get(url)


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_shows(site, machine, tab) -> None:
    answer = site.get(page(machine, tab))
    assert answer.status_code == 200
    assert "web-01" in answer.content.decode()


@pytest.mark.parametrize("tab", TABS)
def test_tabs_cost_the_same_for_many(
    site, fabric, machine, tab, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(40) as first:
        site.get(page(machine, tab))
    for number in range(3):
        deploy(fabric, ADMINISTRATOR, f"app-{number}")
    with django_assert_max_num_queries(len(first)):
        site.get(page(machine, tab))


def test_the_dashboard_says_what_cannot_be_done_and_why(site, machine) -> None:
    shown = site.get(page(machine)).content.decode()
    assert "the machine is “Running”" in shown
    assert "Repair: retry" not in shown


def test_often_used_commands_stand_in_front(site, machine) -> None:
    context = site.get(page(machine)).context
    front = [command.title for command in context["commands"]]
    assert front == ["Start", "Shut down", "Turn off", "Pause", "Reset", "Refresh", "Remove"]
    more = {command.title: command.reason for command in context["more"]}
    assert more["Resume"] == more["Clone"] == "the machine is “Running”"


def test_a_paused_machine_is_resumed_from_the_front(site, machine) -> None:
    VirtualMachine.objects.filter(pk=machine.pk).update(status=MachineStatus.PAUSED)
    context = site.get(page(machine)).context
    assert "Resume" in [command.title for command in context["commands"]]
    assert "Pause" in [command.title for command in context["more"]]


def test_repair_comes_to_the_front_when_a_job_failed(site, machine) -> None:
    failed = Job.objects.filter(subject=machine.pk).first()
    VirtualMachine.objects.filter(pk=machine.pk).update(
        failed_job_id=failed.pk, status=MachineStatus.UPDATE_FAILED
    )
    front = [command.title for command in site.get(page(machine)).context["commands"]]
    assert front[-4:-1] == ["Repair: retry", "Repair: undo", "Repair: dismiss"]


def test_a_command_begins_a_job_that_the_page_shows(site, machine) -> None:
    operate = reverse("fabric-machine-operate", args=[machine.pk])
    answer = site.post(operate, {"verb": "Stop"}, follow=True)
    shown = answer.content.decode()
    assert "Turn off virtual machine" in shown
    assert "is under way" in shown
    live = site.get(
        f"{page(machine)}?seen={answer.context['mark']}", headers={"HX-Request": "true"}
    )
    assert "Turn the machine off" in live.content.decode()
    finish(Job.objects.get(subject=machine.pk, recipe="stop"))
    after = site.get(
        f"{page(machine)}?seen={answer.context['mark']}", headers={"HX-Request": "true"}
    )
    assert after.headers["HX-Refresh"] == "true"
    logged = Operation.objects.filter(action="fabric.machine.stop").values_list("phase", flat=True)
    assert set(logged) == {Phase.STARTED, Phase.SUCCEEDED}


def test_what_vmm_refuses_is_said_and_logged(site, machine) -> None:
    operate = reverse("fabric-machine-operate", args=[machine.pk])
    shown = site.post(operate, {"verb": "Start"}, follow=True).content.decode()
    assert "Start is not possible" in shown
    assert Operation.objects.filter(action="fabric.machine.start", phase=Phase.FAILED).exists()


def test_settings_are_changed(site, machine) -> None:
    values = {
        "name": "web-01",
        "description": "The shop’s front.",
        "tag": "front",
        "cost_center": "",
        "cores": machine.cores,
        "memory_mb": machine.memory_mb,
        "start_action": machine.start_action,
        "stop_action": machine.stop_action,
    }
    answer = site.post(act(machine, "configure"), values)
    assert answer.url == page(machine, "configure")
    machine.refresh_from_db()
    assert machine.tag == "front"
    finish(Job.objects.get(subject=machine.pk, recipe="update"))
    refused = site.post(act(machine, "configure"), values | {"cores": 100_000}).content.decode()
    assert "whole number" in refused


def test_a_machine_is_given_to_a_role(site, fabric, machine) -> None:
    role = make_role(fabric)
    values = {"role": role.pk, "owner_name": "alice@example.net"}
    assert site.post(act(machine, "give"), values).status_code == 302
    machine.refresh_from_db()
    assert machine.role == role


def test_disks_are_added_enlarged_and_removed(site, machine) -> None:
    assert site.post(act(machine, "disk-add"), {"size_gb": 5, "name": "logs"}).status_code == 302
    finish(Job.objects.filter(subject=machine.pk).latest("created_at"))
    disk = machine.disks.get(name="logs")
    assert "logs" in site.get(page(machine, "disks")).content.decode()
    assert site.post(act(machine, "disk-grow", disk.pk), {"size_gb": 8}).status_code == 302
    finish(Job.objects.filter(subject=machine.pk).latest("created_at"))
    disk.refresh_from_db()
    assert disk.size_gb == 8
    unsure = site.post(act(machine, "disk-remove", disk.pk), {"confirm": "other"})
    assert "This is not the name" in unsure.content.decode()
    assert site.post(act(machine, "disk-remove", disk.pk), {"confirm": "logs"}).status_code == 302
    finish(Job.objects.filter(subject=machine.pk).latest("created_at"))
    assert not machine.disks.filter(name="logs").exists()


def test_adapters_are_added(site, fabric, machine) -> None:
    values = {"network": fabric.network.pk, "ipv4_type": "Static"}
    assert site.post(act(machine, "adapter-add"), values).status_code == 302
    finish(Job.objects.filter(subject=machine.pk).latest("created_at"))
    shown = site.get(page(machine, "networks")).content.decode()
    assert "Adapter 1" in shown
    assert "front pool" in shown


def test_checkpoints_are_a_tree(site, machine) -> None:
    for name in ("first", "second"):
        assert site.post(act(machine, "checkpoint-make"), {"name": name}).status_code == 302
        finish(Job.objects.filter(subject=machine.pk).latest("created_at"))
    shown = site.get(page(machine, "checkpoints")).content.decode()
    assert shown.index("first") < shown.index("second")
    assert "depth-1" in shown
    first = machine.checkpoints.get(name="first")
    renamed = site.post(act(machine, "checkpoint-rename", first.pk), {"name": "before the change"})
    assert renamed.status_code == 302
    assert site.post(act(machine, "checkpoint-restore", first.pk)).status_code == 302


def test_placement_rates_every_other_host(site, fabric, machine) -> None:
    other = next(host for host in fabric.hosts if host.pk != machine.host_id)
    shown = site.get(page(machine, "placement")).content.decode()
    assert broken(other.name) in shown
    assert "of memory free afterwards" in shown
    assert site.post(act(machine, "move"), {"host": other.pk}).status_code == 302
    finish(Job.objects.filter(subject=machine.pk).latest("created_at"))
    machine.refresh_from_db()
    assert machine.host_id == other.pk


def test_operators_make_machines(site, fabric) -> None:
    values = {
        "name": "tool-01",
        "cloud_id": fabric.cloud.pk,
        "template_id": fabric.template.pk,
        "network": fabric.network.pk,
        "local_admin_password": "S3cret-phrase-of-olga",
        "start": "on",
    }
    answer = site.post(reverse("fabric-machine-new"), values)
    made = VirtualMachine.objects.get(name="tool-01")
    assert answer.url == page(made)
    assert made.adapters.get().network == fabric.network
    logged = str(list(Operation.objects.values("parameters", "message")))
    assert "S3cret" not in logged
    neither = site.post(reverse("fabric-machine-new"), values | {"template_id": ""})
    assert "Choose either a template" in neither.content.decode()


def test_a_clone_leads_to_the_new_machine(site, fabric) -> None:
    machine = deploy(fabric, ADMINISTRATOR, "web-01", start=False)
    answer = site.post(act(machine, "clone"), {"name": "web-02"})
    assert answer.url == page(VirtualMachine.objects.get(name="web-02"))


def test_removing_needs_the_name_and_leads_to_the_job(site, fabric) -> None:
    machine = deploy(fabric, ADMINISTRATOR, "web-01", start=False)
    assert (
        "This is not the name"
        in site.post(act(machine, "remove"), {"confirm": "web-02"}).content.decode()
    )
    answer = site.post(act(machine, "remove"), {"confirm": "web-01"})
    job = Job.objects.get(subject=machine.pk, recipe="remove")
    assert answer.url == reverse("fabric-job", args=[job.pk])
    finish(job)
    gone = site.get(page(machine), headers={"HX-Request": "true"})
    assert gone.headers["HX-Redirect"] == answer.url


def test_readers_look_and_change_nothing(site, machine, reader) -> None:
    for tab in TABS:
        shown = site.get(page(machine, tab)).content.decode()
        assert 'class="commands"' not in shown
        assert 'method="post" action="/fabric' not in shown
    for url in (
        reverse("fabric-machine-operate", args=[machine.pk]),
        act(machine, "configure"),
        reverse("fabric-machine-new"),
    ):
        refused = site.post(url, {"verb": "Stop"})
        assert refused.status_code == 403
        assert "change nothing" in refused.content.decode()


def test_what_does_not_exist_is_not_found(site, machine) -> None:
    assert site.get(act(machine, "explode")).status_code == 404
    assert site.get(act(machine, "disk-grow", "x")).status_code == 404
    assert site.get(act(machine, "disk-grow", machine.pk)).status_code == 404
