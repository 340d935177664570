"""New jobs are begun in turn of whose they are: many of one do not hold up another's one."""

from __future__ import annotations

import uuid

import pytest

from fabric.durable import engine, line, sweep
from fabric.durable.recipe import Again, Recipe, Step
from fabric.models import Job
from tests.factories.fabric import make_cloud, make_plan, make_stamp, make_subscription

pytestmark = pytest.mark.django_db

RECIPE = Recipe("test", "Test", (Step("wait", "Wait", lambda turn: Again(9.0)),))
RECIPES = {"test": RECIPE}


@pytest.fixture
def order(vault, alices, charlie):
    """Return a function that orders a job for alice or charlie."""
    plan = make_plan(make_cloud(make_stamp()))
    lanes = {
        "alice": make_subscription(alices, plan),
        "charlie": make_subscription(charlie.tenants.get(), plan),
    }

    def order(whose: str) -> Job:
        return engine.start(Job, RECIPE, subject=uuid.uuid4(), inputs={}, subscription=lanes[whose])

    return order


def begun() -> list[uuid.UUID]:
    """Begin all that wait, and return them in order."""
    ids = []
    while (job_id := engine.begin(Job, RECIPES)[0]) is not None:
        ids.append(job_id)
    return ids


def test_one_of_another_comes_second_at_the_latest(order):
    for _ in range(50):
        order("alice")
    charlies = order("charlie")
    assert charlies.pk in begun()[:2]


def test_one_that_comes_in_the_middle_is_next_but_one(order):
    for _ in range(50):
        order("alice")
    for _ in range(20):
        engine.begin(Job, RECIPES)
    charlies = order("charlie")
    assert charlies.place == 2
    assert charlies.pk in begun()[:2]


def test_two_with_many_take_turns(order):
    alices = [order("alice").pk for _ in range(6)]
    charlies = [order("charlie").pk for _ in range(3)]
    order_of_all = begun()
    assert order_of_all[:6] == [id for pair in zip(alices, charlies, strict=False) for id in pair]
    assert order_of_all[6:] == alices[3:]


def test_who_orders_one_after_the_other_does_not_overtake_the_patient(order):
    """Being quick to come back is no advantage over having ordered all at once."""
    patient = [order("alice").pk for _ in range(4)]
    quick = []
    turns = []
    for _ in range(6):
        quick.append(order("charlie").pk)
        turns.append(engine.begin(Job, RECIPES)[0])
    assert len(set(patient) & set(turns)) == 3


def test_the_place_in_line_is_told_until_it_is_begun(order):
    first, second = order("alice"), order("alice")
    assert (first.place, second.place) == (1, 2)
    assert second.told == "Waiting: place 2 in line"
    engine.begin(Job, RECIPES)
    first.refresh_from_db()
    assert (first.place, second.place) == (None, 1)
    assert first.told == first.message


def test_a_message_too_many_finds_nothing(order):
    order("alice")
    assert engine.begin(Job, RECIPES)[0] is not None
    assert engine.begin(Job, RECIPES) == (None, None)


def test_the_sweep_counts_those_nobody_came_for(order):
    job = order("alice")
    assert sweep.overdue(Job) == sweep.Overdue()
    Job.objects.update(nudged_at="2020-01-01T00:00Z")
    assert sweep.overdue(Job) == sweep.Overdue(waiting=1)
    engine.advance(Job, RECIPES, job.pk)
    Job.objects.update(due_at="2020-01-01T00:00Z", nudged_at="2020-01-01T00:00Z")
    assert sweep.overdue(Job) == sweep.Overdue(begun=(job.pk,))


@pytest.mark.parametrize(
    ("place", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")],
)
def test_places_in_words(place, words):
    assert line.in_words(place) == f"{words} in line"
