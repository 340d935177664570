"""The doors to Celery: they carry ids, and messages may be lost, doubled or late."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from fabric.vmm import tasks
from fabric.vmm.models import Job, Performance
from tests.factories.vmm import deploy, order


def test_a_message_advances_its_job_and_a_second_one_changes_nothing(fabric, alice):
    machine, job = order(fabric, alice)
    tasks.advance(str(job.pk), from_an_older_version=True)
    job.refresh_from_db()
    assert job.state == "succeeded"
    ended = job.ended_at
    tasks.advance(str(job.pk))
    job.refresh_from_db()
    assert job.ended_at == ended


def test_a_lost_message_costs_one_sweep(fabric, alice, monkeypatch):
    _, job = order(fabric, alice)
    sent: list[object] = []
    monkeypatch.setattr("fabric.durable.nudge.nudge", lambda task, *_, **__: sent.append(task.name))
    tasks.sweep()
    assert sent == []
    long_ago = timezone.now() - timedelta(minutes=5)
    Job.objects.update(due_at=long_ago, nudged_at=long_ago)
    tasks.sweep()
    tasks.sweep()
    assert sent == ["fabric.vmm.tasks.begin"]


def test_an_order_sends_a_message_once_it_is_committed(
    fabric, alice, monkeypatch, django_capture_on_commit_callbacks
):
    sent: list[object] = []
    monkeypatch.setattr("fabric.durable.nudge.nudge", lambda task, *_, **__: sent.append(task.name))
    with django_capture_on_commit_callbacks(execute=True):
        order(fabric, alice)
        assert sent == []
    assert sent == ["fabric.vmm.tasks.begin"]


def test_the_load_is_sampled(fabric, alice):
    deploy(fabric, alice)
    tasks.sample()
    assert Performance.objects.count() == 3
