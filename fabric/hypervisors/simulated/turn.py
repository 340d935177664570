"""One turn of one host: a transaction, the moment it happens, and the work that takes time.

Work is a row saying what a disk or guest is in the middle of and until when. Nothing runs: the
first turn after its end settles it. So work goes on when nobody asks and no killed caller matters.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from fabric.hypervisors.base import Done, Outcome, Power, pending
from fabric.hypervisors.errors import Busy

LONGEST_RETRY = 1.5
JOURNAL_LENGTH = 10_000
CUT = "cut"  # the target of switching off without asking the system


@dataclass(frozen=True, slots=True)
class Work:
    """What a disk or guest is in the middle of."""

    verb: str
    target: str
    began: float
    until: float
    hangs: bool

    def outcome(self, now: float) -> Outcome:
        """How far it is; hanging work creeps towards the end it never reaches."""
        share = (now - self.began) / max(self.until - self.began, 1e-9)
        left = LONGEST_RETRY if self.hangs else self.until - now
        return pending(100 * share, min(left, LONGEST_RETRY))


@dataclass(slots=True)
class Turn:
    """What the verbs work with; `hangs` makes the work begun in this turn never end."""

    connection: sqlite3.Connection
    host: str
    now: float
    scale: float
    hangs: bool = False
    has_begun: bool = False

    def run(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Execute a statement whose ?1 is this host."""
        return self.connection.execute(statement, (self.host, *values))

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query whose ?1 is this host."""
        found: sqlite3.Row | None = self.run(query, *values).fetchone()
        return found

    def note(self, verb: str, subject: UUID) -> None:
        """Write an effect into the journal."""
        cursor = self.run(
            "INSERT INTO journal (host, verb, subject) VALUES (?1, ?2, ?3)", verb, str(subject)
        )
        oldest = (cursor.lastrowid or 0) - JOURNAL_LENGTH
        self.connection.execute("DELETE FROM journal WHERE id<=?", (oldest,))

    def work_on(self, subject: UUID) -> Work | None:
        """What this disk or guest is in the middle of."""
        row = self.row(
            "SELECT verb, target, began, until, hangs FROM work WHERE host=?1 AND subject=?2",
            str(subject),
        )
        return None if row is None else Work(*row)

    def busy(self, subject: UUID, work: Work) -> Busy:
        """The fault to raise when work under way forbids the verb."""
        return Busy(
            f"{subject} is in the middle of {work.verb}.",
            retry_after=work.outcome(self.now).retry_in,
        )

    def begin(self, verb: str, subject: UUID, seconds: float, target: str = "") -> Outcome:
        """Begin work in place of what was under way before; with scale 0 it ends at once."""
        self.note(verb, subject)
        self.has_begun = True
        until = self.now + seconds * self.scale
        if until <= self.now and not self.hangs:
            self.give_up(subject)
            _ENDS[verb](self, str(subject), target)
            return Done
        work = Work(verb, target, self.now, until, self.hangs)
        self.run(
            "INSERT OR REPLACE INTO work (host, subject, verb, target, began, until, hangs)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            *(str(subject), verb, target, self.now, until, self.hangs),
        )
        return work.outcome(self.now)

    def give_up(self, subject: UUID) -> None:
        """Forget the work on this disk or guest, as far as it has come."""
        self.run("DELETE FROM work WHERE host=?1 AND subject=?2", str(subject))

    def settle(self) -> None:
        """Bring about the ends of all work whose time has come."""
        due = self.run(
            "SELECT subject, verb, target FROM work WHERE host=?1 AND until<=?2 AND NOT hangs",
            self.now,
        ).fetchall()
        for subject, verb, target in due:
            self.run("DELETE FROM work WHERE host=?1 AND subject=?2", subject)
            _ENDS[verb](self, subject, target)


def _disk_is_whole(turn: Turn, subject: str, _: str) -> None:
    turn.run("UPDATE disks SET is_whole=1 WHERE host=?1 AND id=?2", subject)


def _power_is(turn: Turn, subject: str, target: str) -> None:
    power = Power.OFF if target == CUT else Power(target)
    holds_memory = power in (Power.RUNNING, Power.PAUSED)
    turn.run(
        "UPDATE guests SET power=?3, holds_memory=?4,"
        " running_since=iif(?4, running_since, NULL) WHERE host=?1 AND id=?2",
        *(subject, power.value, holds_memory),
    )


def _is_set_up(turn: Turn, subject: str, _: str) -> None:
    turn.run("UPDATE guests SET is_set_up=1 WHERE host=?1 AND id=?2", subject)


def _nothing_is_left(turn: Turn, subject: str, _: str) -> None:
    turn.run("DELETE FROM adapters WHERE host=?1 AND guest=?2", subject)
    turn.run("DELETE FROM disks WHERE host=?1 AND guest=?2", subject)
    turn.run("DELETE FROM guests WHERE host=?1 AND id=?2", subject)


_ENDS: dict[str, Callable[[Turn, str, str], None]] = {
    "ensure_disk": _disk_is_whole,
    "ensure_power": _power_is,
    "ensure_guest_setup": _is_set_up,
    "ensure_removed": _nothing_is_left,
}
