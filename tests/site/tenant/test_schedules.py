"""Schedules on the tenant site (features D048)."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from fabric.actions import groups, schedules
from fabric.actions.schedules import Target
from fabric.models import Schedule
from portal.tenant_site.forms import one_of_many
from tests.factories.fabric import make_machine, make_subscription


@pytest.fixture
def nightly(alice, subscription, machine) -> Schedule:
    return schedules.create(
        by=alice,
        subscription=subscription,
        name="Off at night",
        action="stop",
        target=Target(machine=machine),
        cron="0 20 * * 1-5",
        time_zone="Europe/Berlin",
    )


def typed(machine, **changes: object) -> dict[str, object]:
    return {
        "name": "Off at night",
        "action": "stop",
        "target": f"machine:{machine.pk}",
        "rhythm": "weekdays",
        "at": "20:00",
        "time_zone": "Europe/Amsterdam",
    } | changes


def page(schedule: Schedule, name: str = "schedule") -> str:
    return reverse(name, args=[schedule.pk])


@pytest.mark.parametrize(
    ("changes", "cron"),
    [
        ({}, "0 20 * * 1-5"),
        ({"rhythm": "daily", "at": "07:30"}, "30 7 * * *"),
        ({"rhythm": "weekly", "day": "0"}, "0 20 * * 0"),
        ({"rhythm": "cron", "cron": "15  6 1,15 * *"}, "15 6 1,15 * *"),
    ],
)
def test_D048_a_schedule_is_made_from_plain_choices_or_as_cron(as_alice, machine, changes, cron):
    answer = as_alice.post(reverse("schedule-new"), typed(machine, **changes))
    made = Schedule.objects.get()
    assert answer.url == page(made)
    assert (made.cron, made.time_zone) == (cron, "Europe/Amsterdam")
    assert made.next_at > timezone.now()


def test_the_same_form_sent_twice_makes_one(as_alice, machine):
    key = as_alice.get(reverse("schedule-new")).context["form"]["request_key"].value()
    answers = [
        as_alice.post(reverse("schedule-new"), typed(machine, request_key=key)).url
        for _each in range(2)
    ]
    assert answers == [page(Schedule.objects.get())] * 2


def test_a_form_that_was_refused_may_be_sent_again(as_alice, machine, monkeypatch):
    sent = typed(machine, request_key=uuid.uuid4())
    with monkeypatch.context() as now:
        now.setattr(schedules, "MOST", 0)
        assert as_alice.post(reverse("schedule-new"), sent).context["form"].errors
    assert as_alice.post(reverse("schedule-new"), sent).url == page(Schedule.objects.get())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at": ""}, "at"),
        ({"at": "25:00"}, "at"),
        ({"rhythm": "cron", "cron": "* * * * *"}, "cron"),
        ({"rhythm": "cron", "cron": ""}, "cron"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"target": "machine:x"}, "target"),
        ({"action": "delete"}, "action"),
        ({"name": ""}, "name"),
        ({"rhythm": "weekly", "day": "9"}, "day"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(as_alice, machine, changes, field):
    answer = as_alice.post(reverse("schedule-new"), typed(machine, **changes))
    assert list(answer.context["form"].errors) == [field]
    assert not Schedule.objects.exists()


def test_the_next_five_runs_are_shown_before_anything_is_made(as_alice, machine):
    answer = as_alice.post(reverse("schedule-new"), typed(machine) | {"preview": "1"})
    assert answer.text.count("<time datetime=") == 5
    assert "Off at night" in answer.text
    for name in ("", "Off at night"):
        fragment = as_alice.post(
            reverse("schedule-new"), typed(machine, name=name), headers={"HX-Request": "true"}
        )
        assert fragment.text.count("<time datetime=") == 5
        assert "<html" not in fragment.text
    assert not Schedule.objects.exists()


def test_choosing_another_time_changes_nothing_yet(as_alice, nightly, machine):
    as_alice.post(
        page(nightly, "schedule-edit"),
        typed(machine, rhythm="daily"),
        headers={"HX-Request": "true"},
    )
    nightly.refresh_from_db()
    assert nightly.cron == "0 20 * * 1-5"


def test_the_form_comes_back_as_it_was_saved(as_alice, nightly, machine):
    form = as_alice.get(page(nightly, "schedule-edit")).context["form"]
    assert form.initial["rhythm"] == "weekdays"
    assert form.initial["at"] == dt.time(20, 0)
    as_alice.post(page(nightly, "schedule-edit"), typed(machine, rhythm="daily"))
    nightly.refresh_from_db()
    assert nightly.cron == "0 20 * * *"


def test_tags_and_groups_can_be_chosen(as_alice, alice, subscription):
    tagged = make_machine(subscription, "web-09", tags=["office"])
    group = groups.create(by=alice, subscription=subscription, name="Shop", machines=[tagged])
    html = as_alice.get(reverse("schedule-new")).text
    assert f"group:{group.pk}" in html
    as_alice.post(reverse("schedule-new"), typed(tagged, target=f"tag:{subscription.pk}:office"))
    assert Schedule.objects.get().tag == "office"


def test_its_page_tells_when_and_with_whose_rights_and_what_came_of_it(as_alice, nightly):
    Schedule.objects.update(next_at=timezone.now() - dt.timedelta(hours=2))
    schedules.run_due()
    html = as_alice.get(page(nightly)).text
    for told in (
        "Monday to Friday at 20:00",
        "Europe/Berlin",
        "alice@example.net",
        "server was down",
        "Skipped",
    ):
        assert told in html
    assert html.count("<time datetime=") >= 5


def test_it_is_paused_switched_on_and_deleted(as_alice, nightly):
    as_alice.post(page(nightly, "schedule-switch"), {"act": "pause"})
    assert "Paused" in as_alice.get(page(nightly)).text
    as_alice.post(page(nightly, "schedule-switch"), {"act": "resume"})
    assert Schedule.objects.get().is_enabled
    assert as_alice.post(page(nightly, "schedule-delete")).url == reverse("schedules")
    assert not Schedule.objects.exists()


def test_one_that_switched_itself_off_says_why(as_alice, nightly):
    Schedule.objects.update(is_enabled=False, off_reason="The machine is deleted.")
    assert "It switched itself off" in as_alice.get(page(nightly)).text
    assert "Switched off" in as_alice.get(reverse("schedules")).text


class TestManyTargets:
    @pytest.fixture(autouse=True)
    def many(self, subscription, machine, monkeypatch):
        monkeypatch.setattr(one_of_many, "FEW", 2)
        return [make_machine(subscription, name, tags=["web-01"]) for name in ("app-1", "app-2")]

    def test_one_is_typed_and_offered_by_its_name(self, as_alice, machine):
        html = as_alice.get(reverse("schedule-new")).text
        for word in ("web-01", "app-1", "web-01 (tag)"):
            assert f'<option value="{word}"></option>' in html
        as_alice.post(reverse("schedule-new"), typed(machine, target="WEB-01 "))
        assert Schedule.objects.get().machine == machine

    def test_a_tag_called_like_a_machine_is_told_from_it(self, as_alice, machine):
        as_alice.post(reverse("schedule-new"), typed(machine, target="web-01 (tag)"))
        made = Schedule.objects.get()
        assert (made.machine, made.tag) == (None, "web-01")

    def test_what_is_not_there_is_said_and_stays_as_typed(self, as_alice, machine):
        page = as_alice.post(reverse("schedule-new"), typed(machine, target="wep-01"))
        assert page.context["form"].errors["target"] == ["“wep-01” is not on the list."]
        assert 'value="wep-01"' in page.text

    def test_what_is_planned_stands_in_the_line(self, as_alice, nightly, machine):
        assert 'value="web-01"' in as_alice.get(page(nightly, "schedule-edit")).text
        asked = as_alice.get(reverse("schedule-new"), {"target": f"machine:{machine.pk}"})
        assert asked.context["form"]["target"].value() == "web-01"
        Schedule.objects.update(machine=None, tag="nobody")
        gone = as_alice.get(page(nightly, "schedule-edit"))
        assert gone.context["form"]["target"].value() is None

    def test_two_of_the_same_name_are_told_apart(self, as_alice, alices, plan, machine):
        for _each in range(2):
            make_machine(make_subscription(alices, plan), "twin")
        words = list(as_alice.get(reverse("schedule-new")).context["form"]["target"].field.keys)
        assert sum(word.startswith("twin (") for word in words) == 2


def test_a_reader_looks_only(dora, sign_in, nightly, machine):
    browser = sign_in(dora)
    html = browser.get(page(nightly)).text
    assert "Off at night" in html
    assert page(nightly, "schedule-delete") not in html
    assert browser.get(reverse("schedule-new")).status_code == 403
    assert browser.get(page(nightly, "schedule-edit")).status_code == 403
    browser.post(page(nightly, "schedule-switch"), {"act": "pause"})
    assert Schedule.objects.get().is_enabled


def test_queries_do_not_grow(
    as_alice, alice, subscription, nightly, machine, django_assert_max_num_queries
):
    for n in range(6):
        schedules.create(
            by=alice,
            subscription=subscription,
            name=f"S{n}",
            action="start",
            target=Target(machine=make_machine(subscription, f"m-{n}")),
            cron="0 8 * * *",
            time_zone="UTC",
        )
    for url in (reverse("schedules"), page(nightly), reverse("schedule-new")):
        with django_assert_max_num_queries(12):
            assert as_alice.get(url).status_code == 200
