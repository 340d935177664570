"""What keeps SPF from working with its database is said in sentences (A021)."""

from __future__ import annotations

import logging

import pytest
from django.core.cache import cache
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from fabric.spf import readiness

GUEST = "spf-guest"


@pytest.fixture(autouse=True)
def _nothing_noted():
    cache.clear()


@pytest.fixture
def guest(db) -> str:
    """Return a database account with every right but one; it is undone with the test."""
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{GUEST}"')
        cursor.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{GUEST}"')
    return GUEST


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_an_account_with_all_rights_is_well(guest):
    assert readiness.problems() == []
    assert readiness.problems(guest) == []


def test_the_right_that_is_missing_is_named(guest):
    run(f'REVOKE UPDATE ON spf_account FROM "{guest}"')
    (problem,) = readiness.problems(guest)
    assert f"account {guest} lacks UPDATE on the table spf_account." in problem
    run(f'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{guest}"')
    (problem,) = readiness.problems(guest)
    assert "more rights" in problem


def test_an_account_that_is_gone_is_named(db):
    assert readiness.problems("nobody-here") == [
        "The database has no account named nobody-here, with which SPF signs in to it."
    ]


def test_a_migration_that_was_not_applied_is_named(db):
    MigrationRecorder(connection).record_unapplied("spf", "0001_initial")
    (problem,) = readiness.problems()
    assert "spf.0001_initial not applied" in problem
    assert "manage.py migrate" in problem


def test_a_database_that_lets_nobody_in_is_an_answer(db, monkeypatch):
    def refused(self):
        raise OperationalError('connection failed: role "spf" is not permitted to log in\nmore')

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", refused)
    (problem,) = readiness.problems()
    assert problem.endswith('role "spf" is not permitted to log in')


def test_at_its_start_spf_says_so_in_the_log(guest, caplog, monkeypatch):
    monkeypatch.setattr(connection, "close", lambda: None)
    with caplog.at_level(logging.ERROR):
        readiness.announce()
    assert caplog.messages == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert readiness.noted_account() == cursor.fetchone()[0]
    monkeypatch.setattr(readiness, "_current", lambda: guest)
    run(f'REVOKE DELETE ON vmm_host FROM "{guest}"')
    readiness.announce()
    assert "lacks DELETE on the table vmm_host" in caplog.text
    assert readiness.noted_account() == guest


def test_without_a_database_it_starts_and_says_so(monkeypatch, caplog):
    def away():
        raise OperationalError("connection refused")

    monkeypatch.setattr(readiness, "_current", away)
    monkeypatch.setattr(connection, "close", lambda: None)
    readiness.announce()
    assert "The database of SPF cannot be used: connection refused" in caplog.text


@pytest.mark.parametrize(
    "statement", ["SELECT 1 FROM spf_nothing", "SELECT nothing FROM spf_stamp"]
)
def test_a_call_that_breaks_for_want_of_tables_may_know_why(db, statement):
    with pytest.raises(DatabaseError) as broken, transaction.atomic():
        run(statement)
    assert readiness.cause(broken.value) == readiness.UNUSABLE


def test_other_trouble_stays_between_us(db):
    with pytest.raises(DatabaseError) as broken, transaction.atomic():
        run("SELECT 1 / 0")
    assert readiness.cause(broken.value) == ""
    assert readiness.cause(ValueError("no")) == ""
