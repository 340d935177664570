"""What a process hears of changes, and what a page is told of it."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from portal.live.marks import BLIND_SECONDS, SKEW_SECONDS, Mark, Marks

ALICES, BOBS = "11111111-0000-0000-0000-000000000000", "22222222-0000-0000-0000-000000000000"


@pytest.fixture
def clock(monkeypatch):
    """Return the time as the marks see it; set its `now`."""

    class Clock:
        now = 1000.0

        def time(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr("portal.live.marks.time", clock)
    return clock


@pytest.fixture
def marks(clock) -> Marks:
    heard = Marks()
    heard.began(clock.now - 100)
    return heard


def test_a_change_is_news_once(marks, clock) -> None:
    known = marks.mark([ALICES], clock.now)
    clock.now += 2
    assert not marks.has_news([ALICES], known)
    marks.hear(f"77 {ALICES}")
    assert marks.has_news([ALICES], known)
    clock.now += 1
    assert not marks.has_news([ALICES], marks.mark([ALICES], clock.now))


def test_a_change_of_somebody_else_is_none(marks, clock) -> None:
    known = marks.mark([ALICES], clock.now)
    clock.now += 2
    marks.hear(f"77 {BOBS}")
    assert not marks.has_news([ALICES], known)


def test_a_change_while_the_page_was_drawn_is_news(marks, clock) -> None:
    began = clock.now
    clock.now += 0.2
    marks.hear(f"77 {ALICES}")
    clock.now += 0.2
    assert marks.has_news([ALICES], marks.mark([ALICES], began))


def test_two_processes_agree_on_what_a_page_knows(marks, clock) -> None:
    younger = Marks()
    marks.hear(f"76 {ALICES}")
    clock.now += 2 * SKEW_SECONDS
    younger.began(clock.now)
    clock.now += 1
    known = marks.mark([ALICES], clock.now)
    assert not younger.has_news([ALICES], known)
    back = younger.mark([ALICES], clock.now)
    assert not marks.has_news([ALICES], back), "or a page would be drawn anew for ever"


def test_who_was_deaf_for_a_while_takes_everything_for_news(marks, clock) -> None:
    known = marks.mark([ALICES], clock.now)
    clock.now += 5
    marks.began(clock.now)
    assert marks.has_news([ALICES], known)


def test_the_deaf_have_pages_drawn_anew_every_few_seconds(clock) -> None:
    deaf = Marks()
    known = deaf.mark([ALICES], clock.now)
    assert not deaf.has_news([ALICES], known)
    clock.now += BLIND_SECONDS
    assert deaf.has_news([ALICES], known)


def test_a_full_memory_forgets_the_oldest_and_says_so(marks, clock, monkeypatch) -> None:
    monkeypatch.setattr("portal.live.marks.MOST_KEPT", 1)
    known = marks.mark([ALICES], clock.now)
    clock.now += 1
    marks.hear(f"77 {ALICES}")
    marks.hear(f"78 {BOBS}")
    assert marks.has_news([ALICES], known)


@pytest.mark.parametrize("text", ["", "x", "1.0", "1.0 0 0", "nan-ish 0"])
def test_a_mark_nobody_gave_is_none(text: str) -> None:
    assert Mark.from_text(text, 1) is None


def test_a_mark_survives_its_way_to_the_browser() -> None:
    assert Mark.from_text(Mark(5.25, ("7", "0")).as_text(), 2) == Mark(5.25, ("7", "0"))


def test_a_clock_that_was_put_back_hides_nothing(marks, clock) -> None:
    marks.hear(f"76 {ALICES}")
    clock.now += 1
    known = marks.mark([ALICES], clock.now)
    clock.now -= 3600
    marks.hear(f"77 {ALICES}")
    assert marks.has_news([ALICES], known)


def test_who_listens_connects_as_everybody_does(marks, monkeypatch) -> None:
    """Else a database that asks for its own certificates would never be heard."""
    told = {}

    def connect(**params):
        told.update(params)
        raise psycopg.OperationalError

    ours = {"sslmode": "verify-full", "sslrootcert": "/etc/katal/ca.pem"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", ours)
    monkeypatch.setattr(psycopg, "connect", connect)
    with pytest.raises(psycopg.OperationalError):
        marks._follow()
    assert ours.items() <= told.items()
