"""One machine: commands and reasons, work while it goes on, failure, charts, deletion, connect."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fabric.actions import configuring
from fabric.durable.states import JobState
from fabric.models import Job, Load, Machine
from fabric.providers.abilities import ALL, CLONE, JOB_STEPS, LOAD, REBUILD, Description
from fabric.states import MachineState
from tests.factories.devices import make_adapter, make_checkpoint, make_disk
from tests.site.tenant.conftest import make_job

MOST_QUERIES = 12
TABS = (
    "machine",
    "machine-configure",
    "machine-networks",
    "machine-disks",
    "machine-checkpoints",
    "machine-activity",
)
HTML_BUDGET = 60_000
FRAGMENT = {"HX-Request": "true"}
STEPS = [
    {"title": "Place on a host", "state": "done", "percent": 100},
    {"title": "Clone the disk", "state": "running", "percent": 40},
]


def url(machine, name: str = "machine") -> str:
    return reverse(name, args=[machine.pk])


def disabled(page) -> dict[str, str]:
    return {c.title: c.reason for c in page.context["commands"] if c.reason}


def test_impossible_commands_say_why(as_alice, machine) -> None:
    page = as_alice.get(url(machine))
    assert set(disabled(page)) == {"Start"}
    assert "It is running already." in page.text
    Machine.objects.update(state=MachineState.STOPPED)
    page = as_alice.get(url(machine))
    assert set(disabled(page)) == {"Connect", "Shut down", "Restart"}


def test_what_is_wanted_less_often_is_behind_a_button(as_alice, machine) -> None:
    page = as_alice.get(url(machine))
    more = {command.title: command.reason for command in page.context["more"]}
    assert more["Stop"] is more["Pause"] is more["Reset"] is more["Save"] is None
    assert more["Resume"] == "It is not paused."
    assert more["Clone"] == "Shut it down first."
    assert more["Store in library"] == "Your plan does not allow this."


@pytest.mark.parametrize(
    ("state", "next_one"), [("paused", "Resume"), ("stored", "Bring back"), ("stopped", "Start")]
)
def test_what_comes_next_is_in_sight(as_alice, machine, state, next_one) -> None:
    offering = machine.subscription.plan.offering
    offering.permissions = [*offering.permissions, "Store"]
    offering.save()
    Machine.objects.update(state=state)
    shown = as_alice.get(url(machine)).context["commands"]
    assert next_one in [command.title for command in shown if not command.reason]


def test_what_the_plan_does_not_allow_says_so(as_alice, machine) -> None:
    offering = machine.subscription.plan.offering
    offering.permissions = ["Start"]
    offering.save()
    told = disabled(as_alice.get(url(machine)))
    assert told["Shut down"] == told["Connect"] == "Your plan does not allow this."


def test_what_the_endpoint_cannot_says_so(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.STOPPED)
    lacking(machine, CLONE, REBUILD)
    more = {one.title: one.reason for one in as_alice.get(url(machine)).context["more"]}
    assert more["Clone"] == "This SPF makes no copies of machines."
    assert more["Rebuild"].startswith("This SPF cannot rebuild a machine")


def test_a_command_is_one_act(as_alice, machine) -> None:
    answer = as_alice.post(url(machine, "machine-operate"), {"verb": "shutdown"})
    assert answer.url == url(machine)
    assert Job.objects.get().title == "Shut down web-01"
    assert "Shut down web-01" in as_alice.get(answer.url).text


def test_a_command_that_came_too_late_is_told(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.STOPPED)
    answer = as_alice.post(url(machine, "machine-operate"), {"verb": "stop"}, follow=True)
    assert "It is not running." in answer.text
    assert not Job.objects.exists()


@pytest.fixture
def creating(machine):
    machine.state = MachineState.CREATING
    machine.save()
    make_job(machine, remote={"percent": 37, "steps": STEPS}, message="Copying.")
    return machine


def test_a_deployment_shows_the_clouds_own_percent_and_steps(as_alice, creating) -> None:
    page = as_alice.get(url(creating))
    for told in ("37 %", "Place on a host", "Clone the disk", "Copying.", 'role="status"'):
        assert told in page.text


def live(browser, machine, seen: str, name: str = "machine", **query):
    """Ask as the live line of a tab does."""
    return browser.get(url(machine, name), {"seen": seen, **query}, headers=FRAGMENT)


def test_work_is_told_until_its_end_without_a_reload(as_alice, creating) -> None:
    seen = as_alice.get(url(creating)).context["mark"]
    told = live(as_alice, creating, seen)
    assert 'id="work"' in told.text
    assert 'id="tab"' not in told.text, "nothing else changed"
    Job.objects.update(state=JobState.SUCCEEDED)
    Machine.objects.update(state=MachineState.RUNNING)
    ended = live(as_alice, creating, seen)
    assert "HX-Refresh" not in ended.headers
    for part in ("machine-state", "machine-commands", "machine-tabs", "tab", "machine-live"):
        assert f'id="{part}"' in ended.text
    assert "Clone the disk" not in ended.text
    heard = 'id="said" hx-swap-oob="innerHTML">'
    assert f"{heard}Clone the disk" in told.text
    assert f"{heard}Running" in ended.text


def test_a_quiet_page_is_left_alone(as_alice, machine) -> None:
    seen = as_alice.get(url(machine)).context["mark"]
    assert live(as_alice, machine, seen).status_code == 204


def test_a_page_hears_of_changes_of_its_machine(as_alice, machine) -> None:
    page = as_alice.get(url(machine)).text
    assert "data-pulse" in page
    assert "katal:changed" in page


@pytest.mark.parametrize(
    "tab", ["machine-configure", "machine-networks", "machine-disks", "machine-checkpoints"]
)
def test_tabs_open_when_the_machine_is_complete(as_alice, creating, tab) -> None:  # A062
    page = as_alice.get(url(creating))
    assert url(creating, tab) not in page.text
    assert "This opens when the machine is complete." in page.text
    early = as_alice.get(url(creating, tab))
    assert early.status_code == 200
    assert "<form" not in early.text.split('id="tab"')[1].split("<dialog")[0]
    seen = early.context["mark"]
    Machine.objects.update(state=MachineState.RUNNING)
    assert url(creating, tab) in as_alice.get(url(creating)).text
    opened = live(as_alice, creating, seen, tab, closed="1")
    assert 'id="tab"' in opened.text
    assert "This opens" not in opened.text


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_can_be_drawn_in_every_state(as_alice, machine, tab) -> None:
    for state in set(MachineState.values) - {MachineState.DELETED}:
        Machine.objects.update(state=state)
        assert as_alice.get(url(machine, tab)).status_code == 200, state


@pytest.mark.parametrize("tab", TABS)
def test_tabs_cost_the_same_however_much_there_is(as_alice, machine, tab) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            as_alice.get(url(machine, tab))
        assert len(asked) <= MOST_QUERIES, [query["sql"][:90] for query in asked]
        return len(asked)

    make_adapter(machine)
    make_disk(machine)
    make_checkpoint(machine)
    as_alice.post(url(machine, "machine-operate"), {"verb": "stop"})
    few = cost()
    for n in range(12):
        make_adapter(machine, slot=n)
        make_disk(machine, f"disk-{n}", lun=n + 2)
        make_checkpoint(machine, f"checkpoint {n}")
        configuring.tag(
            by=machine.subscription.tenant.members.first(), machine=machine, tags=[f"t{n}"]
        )
    assert cost() == few


@pytest.mark.parametrize("tab", TABS)
def test_while_the_cloud_is_away_pages_say_since_when(as_alice, machine, tab) -> None:
    since = timezone.now() - timezone.timedelta(minutes=7)
    type(machine.stamp).objects.update(away_since=since, synced_at=since, problem="gone")
    page = as_alice.get(url(machine, tab))
    assert page.status_code == 200
    assert "Frankfurt does not answer at the moment." in page.text


def test_a_deleted_machine_leads_back_to_the_list(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.DELETED)
    assert as_alice.get(url(machine)).status_code == 404
    fragment = as_alice.get(url(machine), headers=FRAGMENT)
    assert fragment.headers["HX-Redirect"] == reverse("machines")


def test_a_failure_says_what_went_wrong_and_what_to_do(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.FAILED)
    fault = {"code": "full", "message": "The host is full.", "advice": "Wait for room."}
    make_job(machine, JobState.FAILED, fault=fault, step="wait_until_deployed", steps=[])
    page = as_alice.get(url(machine))
    for told in ("The deployment failed", "The host is full.", "Wait for room."):
        assert told in page.text
    for way in ("machine-resume", "machine-delete"):
        assert url(machine, way) in page.text


def test_resume_goes_on_with_it(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.FAILED)
    steps = [
        {"name": name, "title": name, "state": "failed"}
        for name in ("ensure_ordered", "wait_until_deployed", "ensure_read_back")
    ]
    make_job(machine, JobState.FAILED, steps=steps)
    assert as_alice.post(url(machine, "machine-resume")).url == url(machine)
    assert Job.objects.get().state == JobState.WAITING
    assert Machine.objects.get().state == MachineState.CREATING


def test_nothing_to_resume_is_told(as_alice, machine) -> None:
    answer = as_alice.post(url(machine, "machine-resume"), follow=True)
    assert "There is nothing to go on with." in answer.text


@pytest.mark.parametrize("typed", ["", "web", "WEB-01"])
def test_deleting_wants_the_name(as_alice, machine, typed) -> None:
    page = as_alice.post(url(machine, "machine-delete"), {"confirm": typed})
    assert page.status_code == 200
    assert page.context["form"].errors["confirm"]
    assert Machine.objects.get().state == MachineState.RUNNING


def test_deleting_begins_with_the_name_typed(as_alice, machine) -> None:
    assert "for good" in as_alice.get(url(machine, "machine-delete")).text
    as_alice.post(url(machine, "machine-delete"), {"confirm": "web-01"})
    assert Machine.objects.get().state == MachineState.DELETING


@pytest.fixture
def windows(machine):
    machine.os_type = "Windows"
    machine.save()
    return machine


def test_connecting_gives_a_file_with_one_setting(as_alice, windows) -> None:  # A070, A071
    answer = as_alice.get(url(windows, "machine-connect"))
    assert answer.headers["Content-Type"] == "application/x-rdp"
    assert 'filename="web-01.rdp"' in answer.headers["Content-Disposition"]
    assert answer.content.decode("utf-16") == "full address:s:10.20.0.4\r\n"


def test_connecting_to_linux_says_what_to_type(as_alice, machine) -> None:
    there = url(machine, "machine-connect")
    assert f'href="{there}" data-dialog="connect-dialog"' in as_alice.get(url(machine)).text
    assert "ssh root@10.20.0.4" in as_alice.get(there).text


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"state": MachineState.STOPPED}, "The machine must be running."),
        ({"addresses": []}, "The machine has no address yet."),
    ],
)
def test_without_a_way_to_it_connecting_is_off(as_alice, windows, fields, reason) -> None:
    Machine.objects.update(**fields)
    assert disabled(as_alice.get(url(windows)))["Connect"] == reason
    answer = as_alice.get(url(windows, "machine-connect"), follow=True)
    assert reason in answer.text


@pytest.fixture
def measured(machine):
    now = timezone.now()
    times = [(now - timezone.timedelta(minutes=60 - n)).isoformat() for n in range(60)]
    for counter in Load.Counter.values:
        Load.objects.create(
            machine=machine,
            frame="hour",
            counter=counter,
            samples=[n * 7 for n in range(60)],
            times=times,
            synced_at=now,
        )
    return machine


def test_four_charts_with_axis_unit_and_hover(as_alice, measured) -> None:
    page = as_alice.get(url(measured))
    assert page.text.count('class="curve"') == 4
    for told in ("CPU", "MB", "IOPS", "kB/s", "js/charts.js"):
        assert told in page.text
    said = [text.split("|") for text in re.findall(r'data-said="([^"]*)"', page.text)]
    assert [len(texts) for texts in said] == [60] * 4
    assert re.fullmatch(r"\d\d:\d\d:\d\d · 413 kB/s", said[-1][-1])
    assert len(page.content) <= HTML_BUDGET


def test_the_same_as_a_table(as_alice, measured) -> None:
    page = as_alice.get(f"{url(measured)}?view=table")
    assert 'class="curve"' not in page.text
    assert "413 kB/s" in page.text


def test_where_nothing_was_measured_it_says_so(as_alice, measured) -> None:
    assert "Nothing measured yet" in as_alice.get(f"{url(measured)}?frame=month").text


def test_its_own_activity(as_alice, machine) -> None:
    as_alice.post(url(machine, "machine-operate"), {"verb": "stop"})
    page = as_alice.get(url(machine, "machine-activity"))
    assert "Stop" in page.text
    assert "alice@example.net" in page.text


def test_the_host_is_not_told(as_alice, machine) -> None:
    Machine.objects.update(host_name="host-17.fabric.example")
    assert "host-17" not in as_alice.get(url(machine)).text


def lacking(machine, *abilities: str) -> None:
    """Have the endpoint of the machine say that it cannot do this."""
    described = Description(ALL - set(abilities))
    type(machine.stamp.provider).objects.update(
        capabilities=described.as_json(), abilities_read_at=timezone.now()
    )


def test_an_endpoint_that_tells_no_load_gives_the_reason_for_the_charts(as_alice, machine) -> None:
    lacking(machine)
    assert "This VMM does not tell load." not in as_alice.get(url(machine)).text
    lacking(machine, LOAD)
    page = as_alice.get(url(machine)).text
    assert "This VMM does not tell load." in page
    assert "part=charts" not in page, "nothing there is worth asking for again"


def test_an_endpoint_that_tells_no_steps_says_so_while_it_works(as_alice, machine) -> None:
    lacking(machine, JOB_STEPS)
    Machine.objects.update(state=MachineState.UPDATING)
    make_job(machine)
    assert "but not its steps" in as_alice.get(url(machine)).text
