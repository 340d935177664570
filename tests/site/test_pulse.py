"""The pulse of pages: cheap, told to nobody who was not shown the page, and true."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import suppress

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client

from portal.live.marks import Marks, marks
from portal.live.pulse import mark_for, token_for
from tests.factories.fabric import make_cloud, make_machine, make_plan, make_stamp
from tests.factories.fabric import make_subscription as subscribe


def ask(of: str, mark: str):
    return Client().get("/pulse/", {"of": of, "mark": mark})


@pytest.fixture
def heard():
    """Return the marks of this process, hearing from now on."""
    marks.began(time.time() - 10)
    yield marks
    marks.began(None)


def test_nothing_new_costs_no_query(heard, django_assert_num_queries, db) -> None:
    id = uuid.uuid4()
    with django_assert_num_queries(0):
        answer = ask(token_for([id]), mark_for([id], time.time()))
    assert answer.status_code == 204
    assert answer["Cache-Control"] == "no-store"


def test_a_change_gives_the_page_a_new_mark(heard) -> None:
    id, began = uuid.uuid4(), time.time()
    heard.hear(f"5 {id}")
    answer = ask(token_for([id]), mark_for([id], began))
    assert answer.status_code == 200
    assert ask(token_for([id]), answer.content.decode()).status_code == 204


@pytest.mark.parametrize("of", ["", "made-up", "x:y:z"])
def test_a_list_of_ids_we_did_not_sign_is_not_answered(heard, of: str) -> None:
    assert ask(of, "").status_code == 410


def test_a_mark_that_makes_no_sense_counts_as_knowing_nothing(heard) -> None:
    assert ask(token_for([uuid.uuid4()]), "what?").status_code == 200


def test_writing_is_not_asking(heard) -> None:
    id = uuid.uuid4()
    answer = Client().post("/pulse/", {"of": token_for([id])})
    assert answer.status_code == 410


@pytest.mark.django_db(transaction=True)
def test_the_database_tells_of_machines_whoever_changed_them(vault, alices) -> None:
    """What sync, workers and pages do is all the same to a trigger."""
    listener = Marks()
    thread = threading.Thread(target=follow, args=[listener])
    thread.start()
    with transaction.atomic():
        subscription = subscribe(alices, make_plan(make_cloud(make_stamp())))
        machine = make_machine(subscription)
    wait_for(lambda: listener._since is not None)
    ids = [str(alices.pk), str(subscription.pk), str(machine.pk)]
    known = listener.mark(ids, time.time())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE fabric_machine SET state = 'stopped' WHERE id = %s", [machine.pk])
    for id in ids:
        wait_for(lambda id=id: listener.has_news([id], listener.mark([id], known.at)))
    end_listening()
    thread.join(60)


def follow(listener: Marks) -> None:
    with suppress(psycopg.OperationalError):
        listener._follow()


def wait_for(what) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until, "nothing was heard"
        time.sleep(0.02)


def end_listening() -> None:
    """End the connection of a listener, else the test database could not be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'katal live' AND datname = current_database()"
        )
