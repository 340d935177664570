"""Many machines at once: asked, done, and told for each; once, whatever is sent twice."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fabric.actions import bulk
from fabric.models import Job, Machine
from fabric.states import MachineState
from portal import tasks
from portal.models import SentForm
from portal.tenant_site import machine_sent
from tenants.models import Membership
from tests.factories.fabric import make_machine

URL = reverse("machine-selected", urlconf="portal.urls.tenant")


@pytest.fixture
def three(subscription) -> dict[str, Machine]:
    """Return a machine that runs, one that is off, and one that is busy."""
    states = {
        "runs": MachineState.RUNNING,
        "off": MachineState.STOPPED,
        "busy": MachineState.UPDATING,
    }
    return {name: make_machine(subscription, name, state=state) for name, state in states.items()}


def pks(machines) -> list[str]:
    return [str(machine.pk) for machine in machines.values()]


def answer(browser, act: str, machines, **more):
    key = more.pop("key", uuid.uuid4())
    sent = {"act": act, "pk": pks(machines), "request_key": str(key), **more}
    return browser.post(URL, sent)


def test_it_asks_first_and_names_them_with_what_would_happen(as_alice, three) -> None:
    page = as_alice.post(URL, {"act": "shutdown", "pk": pks(three)})
    assert page.status_code == 200
    assert "Shut down 1 machine?" in page.text
    for told in ("runs", "off", "It is not running.", "Wait until the present work"):
        assert told in page.text
    assert not Job.objects.exists()


def test_each_has_a_result(as_alice, three) -> None:
    led = answer(as_alice, "shutdown", three)
    page = as_alice.get(led.url)
    told = {row.name: (row.title, row.told) for row in page.context["rows"]}
    assert told["runs"] == ("Waiting", "")
    assert told["off"] == ("Not done", "It is not running.")
    assert told["busy"][0] == "Not done"
    assert "2 machines were left as they are." in page.text
    assert Job.objects.get().machine.name == "runs"


def test_results_are_drawn_anew_until_all_have_ended(as_alice, three) -> None:
    led = answer(as_alice, "shutdown", three)
    assert "katal:changed" in as_alice.get(led.url, headers={"HX-Request": "true"}).text
    Job.objects.update(state="succeeded")
    ended = as_alice.get(led.url, headers={"HX-Request": "true"}).text
    assert "katal:changed" not in ended
    assert "Succeeded" in ended


def test_a_form_sent_twice_acts_once(as_alice, three) -> None:
    key = uuid.uuid4()
    first = answer(as_alice, "shutdown", three, key=key)
    Job.objects.update(state="succeeded")
    Machine.objects.update(state=MachineState.RUNNING)
    assert answer(as_alice, "shutdown", three, key=key).url == first.url
    assert Job.objects.count() == 1


def test_what_came_of_it_is_kept_for_a_day(as_alice, three) -> None:
    led = answer(as_alice, "shutdown", three)
    SentForm.objects.update(created_at=timezone.now() - timedelta(hours=23))
    tasks.forget_forms()
    assert as_alice.get(led.url).status_code == 200
    SentForm.objects.update(created_at=timezone.now() - timedelta(hours=25))
    tasks.forget_forms()
    assert as_alice.get(led.url).status_code == 404


class Died(BaseException):
    """The process is gone."""


@pytest.fixture
def halfway(as_alice, subscription, monkeypatch):
    """Return what sends a form whose process dies at the machine called b, and a minute passes."""
    machines = {name: make_machine(subscription, name, state="running") for name in "abc"}
    order = sorted(machines.values(), key=lambda machine: machine.pk)

    def send(act: str = "restart", **more):
        key = uuid.uuid4()
        asked, really = [], bulk._tried

        def tried(machine, act):
            if len(asked) == 1:
                raise Died
            asked.append(machine)
            return really(machine, act)

        with monkeypatch.context() as now:
            now.setattr(bulk, "_tried", tried)
            now.setattr(machine_sent.Sending, "break_off", lambda self: None)
            with pytest.raises(Died):
                answer(as_alice, act, machines, key=key, **more)
        return reverse("machine-selected-result", args=[key]), order

    return send


def pass_time(monkeypatch) -> None:
    monkeypatch.setattr(machine_sent, "PATIENCE", timedelta(0))


def test_what_was_done_so_far_is_seen_while_it_goes_on(as_alice, halfway) -> None:
    there, (first, *others) = halfway()
    page = as_alice.get(there, headers={"HX-Request": "true"})
    states = {row.name: row.state for row in page.context["rows"]}
    assert states == {first.name: "waiting"} | {one.name: "waiting" for one in others}
    jobs = {row.name: row.job is not None for row in page.context["rows"]}
    assert jobs == {first.name: True} | {one.name: False for one in others}
    assert "every 5s" in page.text
    assert "Do the rest" not in page.text


def test_a_form_whose_process_died_says_what_was_not_done(as_alice, halfway, monkeypatch) -> None:
    there, (first, *others) = halfway()
    Job.objects.update(state="succeeded")
    pass_time(monkeypatch)
    page = as_alice.get(there, headers={"HX-Request": "true"})
    told = {row.name: row.title for row in page.context["rows"]}
    assert told == {first.name: "Succeeded"} | {one.name: "Not done" for one in others}
    assert "2 machines were not asked" in page.text
    assert "data-live" not in page.text
    for one in others:
        assert f'name="pk" value="{one.pk}"' in page.text


def test_the_rest_is_done_by_another_form_and_once(as_alice, halfway, monkeypatch) -> None:
    there, (first, *others) = halfway()
    broken = there.split("/")[-2]
    pass_time(monkeypatch)
    Job.objects.update(state="succeeded")
    Machine.objects.update(state="running")
    sent = {"act": "restart", "pk": [str(one.pk) for one in others], "rest_of": broken}
    asked = as_alice.post(URL, sent)
    assert f'name="rest_of" value="{broken}"' in asked.text
    # Even where the first machine is named again.
    sent["pk"] = [str(one.pk) for one in (first, *others)]
    led = as_alice.post(URL, sent | {"request_key": str(uuid.uuid4())}).url
    assert Job.objects.filter(machine=first).count() == 1
    assert Job.objects.exclude(machine=first).count() == 2
    # Another page of the same offer, sent later, leads to what came of the first.
    Job.objects.update(state="succeeded")
    Machine.objects.update(state="running")
    assert as_alice.post(URL, sent | {"request_key": str(uuid.uuid4())}).url == led
    assert Job.objects.count() == 3
    page = as_alice.get(there)
    assert f'href="{led}"' in page.text
    assert "Do the rest" not in page.text


def test_a_sender_that_was_only_slow_does_nothing_twice(alice, subscription) -> None:
    """What it does after another took over is undone with the note of it."""
    machine = make_machine(subscription, "a", state="running")
    key, rest = uuid.uuid4(), uuid.uuid4()
    _key, slow = machine_sent.begin(alice, key, "restart", [machine])
    where, _other = machine_sent.begin(alice, rest, "restart", [machine], rest_of=key)
    assert where == rest
    with pytest.raises(machine_sent.TakenOver):
        bulk.many(by=alice, machines=[machine], verb="restart", note=slow.note)
    assert not Job.objects.exists()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING


def test_what_breaks_on_our_side_keeps_what_was_done(as_alice, three, monkeypatch) -> None:
    key, really = uuid.uuid4(), bulk._tried
    asked = []

    def tried(machine, act):
        asked.append(machine)
        if len(asked) == 2:
            raise RuntimeError
        return really(machine, act)

    with monkeypatch.context() as now:
        now.setattr(bulk, "_tried", tried)
        with pytest.raises(RuntimeError):
            answer(as_alice, "shutdown", three, key=key)
    led = answer(as_alice, "shutdown", three, key=key)
    assert len(asked) == 2
    told = {row.name: row.is_undone for row in as_alice.get(led.url).context["rows"]}
    assert told == {one.name: one != asked[0] for one in three.values()}


def test_what_broke_before_anything_was_done_may_be_sent_again(
    as_alice, three, monkeypatch
) -> None:
    key = uuid.uuid4()
    with monkeypatch.context() as now:
        now.setattr(bulk, "_tried", None)
        with pytest.raises(TypeError):
            answer(as_alice, "shutdown", three, key=key)
    answer(as_alice, "shutdown", three, key=key)
    assert Job.objects.get().machine == three["runs"]


def test_the_tags_of_a_form_are_still_there_for_the_rest(as_alice, halfway, monkeypatch) -> None:
    there, (_first, *others) = halfway("tag", add="web, shop", remove="old")
    pass_time(monkeypatch)
    page = as_alice.get(there).text
    assert 'name="add" value="shop, web"' in page
    sent = {"act": "tag", "pk": [str(one.pk) for one in others], "add": "shop, web"}
    assert (
        as_alice.post(URL, sent | {"remove": "old"}).context["form"]["add"].value() == "shop, web"
    )


def test_a_key_of_another_form_shows_nothing(as_alice, alice) -> None:
    form = SentForm.objects.create(user=alice, key=uuid.uuid4(), result="/schedules/")
    assert as_alice.get(reverse("machine-selected-result", args=[form.key])).status_code == 404


@pytest.mark.parametrize("typed", ["", "runs", "Remove"])
def test_deleting_wants_a_word(as_alice, three, typed) -> None:
    page = answer(as_alice, "delete", three, confirm=typed)
    assert page.context["form"].errors["confirm"]
    assert not Job.objects.exists()


def test_deleting_with_the_word_typed(as_alice, three) -> None:
    asked = as_alice.post(URL, {"act": "delete", "pk": pks(three)})
    assert "Nobody can bring them back." in asked.text
    answer(as_alice, "delete", three, confirm="delete")
    states = dict(Machine.objects.values_list("name", "state"))
    assert states == {"runs": "deleting", "off": "deleting", "busy": "updating"}


def test_a_protected_machine_is_left_alone(as_alice, three) -> None:
    Machine.objects.filter(name="off").update(is_protected=True)
    page = as_alice.get(answer(as_alice, "delete", three, confirm="delete").url)
    assert "It is protected" in page.text
    assert Machine.objects.get(name="off").state == MachineState.STOPPED


def test_tags_are_put_on_and_taken_off(as_alice, three) -> None:
    Machine.objects.filter(name="off").update(tags=["old", "kept"])
    answer(as_alice, "tag", three, add="web, production", remove="old")
    tags = {machine.name: machine.tags for machine in Machine.objects.all()}
    assert tags["runs"] == ["production", "web"]
    assert tags["off"] == ["kept", "production", "web"]


@pytest.mark.parametrize(
    ("add", "remove"), [("", ""), ("web", "web"), ("a" * 41, ""), ("=cmd()", "")]
)
def test_tags_that_make_no_sense_are_refused_at_the_form(as_alice, three, add, remove) -> None:
    page = answer(as_alice, "tag", three, add=add, remove=remove)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert not Machine.objects.exclude(tags=[]).exists()


def test_all_that_match_are_more_than_those_in_sight(as_alice, subscription) -> None:
    one = make_machine(subscription, "node-00")
    for n in range(1, 60):
        one.pk, one.name = uuid.uuid4(), f"node-{n:02d}"
        one.state = MachineState.RUNNING if n % 2 else MachineState.STOPPED
        one.save(force_insert=True)
    page = as_alice.post(URL, {"act": "stop", "all": "1", "filters": "state=running&q=node"})
    assert "Turn off 31 machines?" in page.text


def test_nothing_chosen_is_told(as_alice, three) -> None:
    page = as_alice.post(URL, {"act": "start"}, follow=True)
    assert "Choose machines first." in page.text


@pytest.mark.parametrize("act", ["", "rm -rf", "reset"])
def test_an_act_that_there_is_not_does_nothing(as_alice, three, act) -> None:
    assert as_alice.post(URL, {"act": act, "pk": pks(three)}).status_code == 302
    assert not Job.objects.exists()


def test_the_machines_of_others_are_not_touched(sign_in, charlie, three) -> None:
    sent = {"act": "stop", "pk": [*pks(three), "nonsense"], "request_key": str(uuid.uuid4())}
    assert sign_in(charlie).post(URL, sent).url == reverse("machines")
    assert not Job.objects.exists()


def test_the_results_of_others_are_not_shown(as_alice, sign_in, bob, three) -> None:
    led = answer(as_alice, "shutdown", three)
    assert sign_in(bob).get(led.url).status_code == 404


def test_a_reader_has_neither_boxes_nor_acts(sign_in, dora, three) -> None:
    reader = sign_in(dora)
    page = reader.get(reverse("machines")).text
    assert 'name="pk"' not in page
    assert 'name="act"' not in page
    led = answer(reader, "shutdown", three)
    assert "Your role does not allow this" in reader.get(led.url).text
    assert not Job.objects.exists()


def test_who_may_only_start_is_offered_that(sign_in, bob, three) -> None:
    Membership.objects.filter(user=bob).update(rights=["Start"])
    page = sign_in(bob).get(reverse("machines"))
    assert [choice.value for choice in page.context["verbs"]] == ["start"]


def test_it_costs_the_same_however_many_results_there_are(as_alice, three, subscription) -> None:
    def cost(machines) -> int:
        led = answer(as_alice, "start", machines)
        with CaptureQueriesContext(connection) as asked:
            as_alice.get(led.url)
        assert len(asked) <= 12
        return len(asked)

    few = cost({"off": three["off"]})
    more = {f"n{n}": make_machine(subscription, f"n{n}", state="stopped") for n in range(5)}
    assert cost(more) == few
