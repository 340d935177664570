"""`manage.py machines start|stop [file]` (features D038–D046)."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from fabric.models import Job, Machine
from portal.management.commands import machines as command
from tests.factories.fabric import make_machine


@pytest.fixture
def two(subscription) -> list[Machine]:
    return [make_machine(subscription, name, state="stopped") for name in ("db-01", "web-01")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def worker(monkeypatch, work):
    """Have the far side's machines follow while the command waits."""

    def sleep(_seconds: float) -> None:
        machine = Machine.objects.filter(state="updating").first()
        if machine is not None:
            verb = Job.objects.filter(machine=machine).latest("created_at").inputs["verb"]
            Job.objects.filter(machine=machine).update(state="succeeded")
            Machine.objects.filter(pk=machine.pk).update(
                state="running" if verb == "start" else "stopped"
            )
        work(1)

    monkeypatch.setattr(command.time, "sleep", sleep)


def test_D043_the_file_of_that_name_is_taken_and_another_may_be_given(folder, two, worker, capsys):
    (folder / command.DEFAULT_FILE).write_text("Shop;db-01\nShop;web-01\n")
    call_command("machines", "start", subscription="Starter")
    assert capsys.readouterr().out.splitlines() == ["db-01: done", "web-01: done", "2 of 2 done."]
    (folder / "other.txt").write_text("Shop;db-01\n")
    call_command("machines", "stop", "other.txt", subscription="Starter")
    assert capsys.readouterr().out.splitlines() == ["db-01: done", "1 of 1 done."]


def test_D040_stop_takes_the_file_backwards(folder, two, worker, capsys):
    Machine.objects.update(state="running")
    (folder / command.DEFAULT_FILE).write_text("Shop;db-01\nShop;web-01\n")
    call_command("machines", "stop", subscription="Starter")
    assert capsys.readouterr().out.splitlines()[:2] == ["web-01: done", "db-01: done"]


def test_D043_a_missing_file_is_a_clear_error(folder, two):
    with pytest.raises(CommandError, match=r"Control-AzureVMs.txt: No such file"):
        call_command("machines", "start", subscription="Starter")


@pytest.mark.parametrize("act", ["", "restart", "Begin"])
def test_D044_anything_else_than_start_or_stop_shows_the_usage(folder, act):
    with pytest.raises(CommandError, match="usage: "):
        call_command("machines", act, subscription="Starter")


def test_D045_without_a_subscription_it_ends_before_the_first_machine(folder, two):
    (folder / command.DEFAULT_FILE).write_text("Shop;db-01\n")
    with pytest.raises(CommandError, match="Name a subscription first"):
        call_command("machines", "start")
    with pytest.raises(CommandError, match="There is no subscription"):
        call_command("machines", "start", subscription="Nobody's")
    assert not Job.objects.filter(recipe="group.run").exists()


def test_D039_what_is_wrong_in_the_file_is_told_by_line(folder, two):
    (folder / command.DEFAULT_FILE).write_text("service;vm\nShop db-01\nShop;db-01\n")
    with pytest.raises(CommandError) as refused:
        call_command("machines", "start", subscription="Starter")
    assert str(refused.value).splitlines() == [
        "Line 1: this is a header. Leave it out.",
        "Line 2: there is no semicolon. Write group;machine.",
    ]


def test_D046_a_failure_is_reported_and_the_command_ends_badly(folder, two, worker, capsys):
    Machine.objects.filter(name="db-01").update(state="paused")
    (folder / command.DEFAULT_FILE).write_text("Shop;db-01\nShop;web-01\n")
    with pytest.raises(CommandError, match="Not tried: web-01"):
        call_command("machines", "start", subscription="Starter")
    out = capsys.readouterr().out
    assert "db-01: failed It is paused" in out
    assert "web-01: not tried" in out
