"""A job survives what happens to it: lost claims, faults, kills, waits, cancels."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError
from django.utils import timezone

from fabric.durable import engine, sweep
from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step
from fabric.durable.states import JobState, StepState
from fabric.models import Job
from tests.factories.fabric import make_cloud, make_plan, make_stamp, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(vault, alices):
    return make_subscription(alices, make_plan(make_cloud(make_stamp())))


@pytest.fixture
def begin(subscription):
    def begin(*steps: Step, secrets=None, **endings) -> tuple[Job, dict[str, Recipe]]:
        recipe = Recipe("test", "Test", steps, **endings)
        job = engine.start(
            Job, recipe, subject=uuid.uuid4(), inputs={}, secrets=secrets, subscription=subscription
        )
        return job, {"test": recipe}

    return begin


def again(job: Job, recipes) -> Job:
    """Make the job due, advance it once, and return its row."""
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
    engine.advance(Job, recipes, job.pk)
    return Job.objects.get(pk=job.pk)


def test_steps_run_in_order_and_leave_their_times(begin):
    taken = []
    job, recipes = begin(
        Step("one", "One", lambda turn: taken.append("one")),
        Step("two", "Two", lambda turn: taken.append("two"), local=True),
    )
    assert engine.advance(Job, recipes, job.pk) is None
    job.refresh_from_db()
    assert taken == ["one", "two"]
    assert (job.state, job.percent, job.claimed_until) == (JobState.SUCCEEDED, 100, None)
    assert [step["state"] for step in job.steps] == [StepState.DONE, StepState.DONE]
    assert all(step["started_at"] <= step["ended_at"] for step in job.steps)


def test_notes_of_one_step_reach_the_next(begin):
    seen = []
    job, recipes = begin(
        Step("one", "One", lambda turn: turn.memo.update(made="vm-1")),
        Step("two", "Two", lambda turn: seen.append(turn.memo["made"])),
    )
    engine.advance(Job, recipes, job.pk)
    assert seen == ["vm-1"]


def test_a_note_changed_deep_inside_is_kept(begin):
    def second(turn):
        turn.memo["disks"][0]["copied"] = True

    job, recipes = begin(
        Step("one", "One", lambda turn: turn.memo.update(disks=[{"name": "a"}])),
        Step("two", "Two", second),
        Step("three", "Three", lambda turn: Again(1)),
    )
    engine.advance(Job, recipes, job.pk)
    assert Job.objects.get(pk=job.pk).memo == {"disks": [{"name": "a", "copied": True}]}


def test_waiting_is_due_at_and_counts_as_no_attempt(begin):
    job, recipes = begin(Step("wait", "Wait", lambda turn: Again(3, percent=40), attempts=1))
    assert engine.advance(Job, recipes, job.pk) == 3
    job.refresh_from_db()
    assert (job.state, job.attempt, job.percent) == (JobState.RUNNING, 0, 40)
    assert 2 < (job.due_at - timezone.now()).total_seconds() <= 3
    assert engine.advance(Job, recipes, job.pk) is None, "it is not due yet"


def test_a_step_that_never_ends_fails_at_its_limit(begin):
    job, recipes = begin(Step("wait", "Wait for ever", lambda turn: Again(1), limit=0))
    engine.advance(Job, recipes, job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "did not end in time" in job.message


def test_a_passing_fault_is_tried_again_up_to_the_cap(begin):
    def unlucky(turn):
        raise Fault("The host is busy.", retry_after=0.1)

    job, recipes = begin(Step("ask", "Ask", unlucky, attempts=3))
    for attempt in (1, 2):
        job = again(job, recipes)
        assert (job.state, job.attempt) == (JobState.RUNNING, attempt)
    job = again(job, recipes)
    assert job.state == JobState.FAILED
    assert job.fault["message"] == "The host is busy."
    assert job.current_step["state"] == StepState.FAILED


def test_a_lasting_fault_fails_at_once_and_tells_the_recipe(begin):
    told = []

    def refused(turn):
        raise Fault("No such template.", advice="Choose another.")

    job, recipes = begin(
        Step("ask", "Ask", refused), failed=lambda turn, fault: told.append(fault.message)
    )
    job = again(job, recipes)
    assert (job.state, told) == (JobState.FAILED, ["No such template."])
    assert job.fault["advice"] == "Choose another."


def test_resume_goes_on_from_the_failed_step(begin):
    taken, broken = [], [True]

    def second(turn):
        taken.append(turn.first_try)
        if broken.pop() if broken else False:
            raise Fault("No.")

    job, recipes = begin(
        Step("one", "One", lambda turn: taken.append("one")), Step("two", "Two", second)
    )
    job = again(job, recipes)
    assert job.state == JobState.FAILED
    assert sweep.resume(job, recipes["test"])
    assert not sweep.resume(job, recipes["test"]), "only once"
    job = again(job, recipes)
    assert job.state == JobState.SUCCEEDED
    assert taken == ["one", True, False], "the resumed step looks before it makes"


def test_only_one_worker_holds_a_job(begin):
    job, recipes = begin(Step("one", "One", lambda turn: None))
    assert engine.claim(Job, job.pk) is not None
    assert engine.claim(Job, job.pk) is None
    assert engine.advance(Job, recipes, job.pk) is None
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING


def test_a_killed_workers_job_is_taken_over_when_its_lease_ends(begin):
    job, recipes = begin(Step("one", "One", lambda turn: None))
    engine.claim(Job, job.pk)
    assert sweep.overdue(Job) == sweep.Overdue()
    Job.objects.filter(pk=job.pk).update(claimed_until=timezone.now(), nudged_at=job.created_at)
    Job.objects.filter(pk=job.pk).update(nudged_at="2020-01-01T00:00Z")
    assert sweep.overdue(Job).begun == (job.pk,)
    assert sweep.overdue(Job) == sweep.Overdue(), "one nudge is enough for a while"
    engine.advance(Job, recipes, job.pk)
    assert Job.objects.get(pk=job.pk).state == JobState.SUCCEEDED


def test_a_late_worker_writes_nothing(begin):
    """The lease ran out while the step ran, somebody else took the job and finished it."""
    recipes: dict[str, Recipe] = {}
    entered = []

    def slow(turn):
        entered.append(turn.job.claim_token)
        if len(entered) == 1:
            Job.objects.filter(pk=turn.job.pk).update(claimed_until=None, due_at=timezone.now())
            engine.advance(Job, recipes, turn.job.pk)
            turn.memo["late"] = True

    job, made = begin(Step("one", "One", slow))
    recipes.update(made)
    engine.advance(Job, recipes, job.pk)
    job.refresh_from_db()
    assert entered == [1, 2]
    assert (job.state, job.claim_token, job.memo) == (JobState.SUCCEEDED, 2, {})


def test_a_local_step_of_a_late_worker_is_rolled_back(begin, alices):
    recipes: dict[str, Recipe] = {}
    entered = []

    def slow(turn):
        entered.append(turn.job.claim_token)
        alices.name = f"renamed by claim {turn.job.claim_token}"
        alices.save()
        if len(entered) == 1:
            Job.objects.filter(pk=turn.job.pk).update(claim_token=99)

    job, made = begin(Step("one", "One", slow, local=True))
    recipes.update(made)
    engine.advance(Job, recipes, job.pk)
    alices.refresh_from_db()
    assert alices.name == "Alice Ltd"


def test_an_overslept_worker_does_not_touch_the_far_side(begin, monkeypatch):
    """It still has the row in its hands, but what it would do may have been done and undone."""
    taken = []
    job, recipes = begin(Step("one", "One", lambda turn: taken.append(turn.job.claim_token)))
    claim = engine.claim

    def slept_after_claiming(model, job_id):
        held = claim(model, job_id)
        held.held_until = 0.0
        return held

    monkeypatch.setattr(engine, "claim", slept_after_claiming)
    engine.advance(Job, recipes, job.pk)
    assert (taken, Job.objects.get(pk=job.pk).state) == ([], JobState.RUNNING)


def test_a_failed_local_step_leaves_no_notes_of_rows_that_were_rolled_back(begin, alices):
    def unlucky(turn):
        alices.name = "Renamed"
        alices.save()
        turn.memo["name"] = alices.name
        turn.forget_secrets()
        raise Fault("No.")

    job, recipes = begin(
        Step("first", "First", lambda turn: turn.memo.update(first=True), local=True),
        Step("name", "Name", unlucky, local=True),
        secrets={"password": "Canary-1234"},
    )
    job = again(job, recipes)
    alices.refresh_from_db()
    assert (job.state, alices.name, job.memo) == (JobState.FAILED, "Alice Ltd", {"first": True})
    assert job.sealed, "a resumed job still needs it"


def test_an_ending_that_breaks_is_rolled_back_with_its_step(begin):
    broken = [True]

    def ending(turn):
        if broken:
            broken.pop()
            raise DatabaseError("the server went away")

    job, recipes = begin(Step("one", "One", lambda turn: None, local=True), succeeded=ending)
    job = again(job, recipes)
    assert (job.state, job.attempt, job.ended_at) == (JobState.RUNNING, 1, None)
    assert job.steps[0]["state"] == StepState.RUNNING
    job = again(job, recipes)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2)


def test_cancel_stops_before_the_next_step_while_it_may(begin):
    ended = []
    job, recipes = begin(
        Step("one", "One", lambda turn: Again(1)),
        Step("two", "Two", lambda turn: None),
        cancel_before="one",
        cancelled=lambda turn: ended.append("cancelled"),
    )
    engine.advance(Job, recipes, job.pk)
    assert sweep.request_cancel(job)
    job = again(job, recipes)
    assert (job.state, ended) == (JobState.CANCELLED, ["cancelled"])
    assert job.steps[0]["state"] == StepState.PENDING, "nobody is at it any more"


def test_a_resumed_job_has_forgotten_that_it_was_to_stop(begin):
    faults = [Fault("No.")]

    def one(turn):
        if faults:
            raise faults.pop()

    job, recipes = begin(Step("one", "One", one), cancel_before="one")
    engine.claim(Job, job.pk)
    sweep.request_cancel(job)
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, claimed_until=None)
    assert sweep.resume(Job.objects.get(pk=job.pk), recipes["test"])
    faults.clear()
    assert again(job, recipes).state == JobState.SUCCEEDED


def test_secrets_are_sealed_on_the_row_and_erased_once_used(begin):
    seen = []

    def use(turn):
        seen.append(turn.secret("password"))
        turn.forget_secrets()

    job, recipes = begin(
        Step("use", "Use", use),
        Step("later", "Later", lambda turn: seen.append(turn.secret("password"))),
        secrets={"password": "Canary-1234"},
    )
    row = str(Job.objects.filter(pk=job.pk).values().get())
    assert "Canary" not in row
    engine.advance(Job, recipes, job.pk)
    job.refresh_from_db()
    assert seen[0] == "Canary-1234"
    assert job.sealed == ""


def test_a_bug_fails_with_a_reference_and_no_details(begin, caplog):
    def broken(turn):
        raise KeyError("inner detail")

    job, recipes = begin(Step("one", "One", broken))
    job = again(job, recipes)
    assert job.state == JobState.FAILED
    assert "reference" in job.message
    assert "inner detail" not in job.message
    assert job.message.split("reference ")[1][:8] in caplog.text


def test_one_live_job_for_a_subject(begin, subscription):
    from django.db import IntegrityError, transaction

    job, recipes = begin(Step("one", "One", lambda turn: None))
    with pytest.raises(IntegrityError), transaction.atomic():
        engine.start(
            Job, recipes["test"], subject=job.subject, inputs={}, subscription=subscription
        )


def test_a_failed_job_ends_even_when_its_own_ending_breaks(begin):
    def refused(turn):
        raise Fault("No such template.")

    def broken_ending(turn, fault):
        raise RuntimeError("the ending broke")

    job, recipes = begin(Step("ask", "Ask", refused), failed=broken_ending)
    job = again(job, recipes)
    assert (job.state, job.message) == (JobState.FAILED, "No such template.")


def test_an_ending_that_is_only_unlucky_is_tried_again(begin):
    """A deadlock must not leave what the ending was to put right as it is."""
    unlucky, ended = [True, True], []

    def refused(turn):
        turn.memo["seen"] = "there"
        raise Fault("No.")

    def failed(turn, fault):
        if unlucky:
            unlucky.pop()
            raise DatabaseError("deadlock detected")
        ended.append(fault.message)

    job, recipes = begin(Step("ask", "Ask", refused), failed=failed)
    job = again(job, recipes)
    assert (job.state, ended) == (JobState.FAILED, ["No."])
    assert job.memo == {"seen": "there"}


def test_a_job_whose_cancelling_breaks_fails_and_does_not_come_round(begin):
    ended = []

    def broken(turn):
        raise RuntimeError("the ending broke")

    job, recipes = begin(
        Step("one", "One", lambda turn: Again(1)),
        cancel_before="one",
        cancelled=broken,
        failed=lambda turn, fault: ended.append(fault.code),
    )
    engine.advance(Job, recipes, job.pk)
    sweep.request_cancel(job)
    job = again(job, recipes)
    assert (job.state, ended) == (JobState.FAILED, ["internal"])


@pytest.mark.parametrize("outcome", ["succeeds", "fails", "is cancelled"])
def test_every_end_is_followed_by_what_all_have_in_common(begin, outcome):
    told = []

    def one(turn):
        if outcome == "fails":
            raise Fault("No.")

    job, recipes = begin(
        Step("one", "One", one),
        cancel_before="one",
        ended=lambda turn: told.append(turn.job.state),
    )
    if outcome == "is cancelled":
        sweep.request_cancel(job)
    job = again(job, recipes)
    assert told == [job.state]


def test_a_long_step_keeps_its_job(begin, settings):
    """Between the calls of a step that makes many, the lease is made a full one again."""
    left = []

    def slow(turn):
        job = turn.job
        Job.objects.filter(pk=job.pk).update(claimed_until=timezone.now())
        turn.renew()
        left.append(Job.objects.get(pk=job.pk).claimed_until <= timezone.now())
        job.held_until -= settings.JOB_LEASE_SECONDS / 2
        turn.renew()
        left.append(Job.objects.get(pk=job.pk).claimed_until <= timezone.now())

    job, recipes = begin(Step("one", "One", slow))
    assert again(job, recipes).state == JobState.SUCCEEDED
    assert left == [True, False], "written only once a quarter of it is gone"


def test_a_long_step_that_lost_its_job_stops(begin, settings):
    done = []

    def slow(turn):
        Job.objects.filter(pk=turn.job.pk).update(claim_token=99)
        turn.job.held_until -= settings.JOB_LEASE_SECONDS / 2
        turn.renew()
        done.append("what another worker does already")

    job, recipes = begin(Step("one", "One", slow))
    assert again(job, recipes).state == JobState.RUNNING
    assert done == []


def test_time_in_line_does_not_count_for_the_limit(begin):
    seen = []
    job, recipes = begin(
        Step("one", "One", lambda turn: Again(1, in_line=True, message="2nd in line"), limit=0)
    )
    for _ in range(2):
        job = again(job, recipes)
        seen.append((job.state, job.message, job.steps[0]["state"]))
    assert seen == [(JobState.WAITING, "2nd in line", StepState.PENDING)] * 2


def test_what_follows_a_recorded_wait_cannot_undo_it(begin, django_capture_on_commit_callbacks):
    called = []

    def unlucky():
        called.append(Job.objects.get(pk=job.pk).message)
        raise RuntimeError("no matter")

    job, recipes = begin(
        Step("one", "One", lambda turn: Again(1, message="Waiting", recorded=unlucky), local=True)
    )
    with django_capture_on_commit_callbacks(execute=True):
        engine.advance(Job, recipes, job.pk)
    assert called == ["Waiting"]
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING
