"""One turn of one host: a transaction, the moment it happens, and the work that takes time.

Work is a row saying what a disk or guest is in the middle of and until when. Nothing runs: the
first turn after its end settles it. So work goes on when nobody asks and no killed caller matters.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from uuid import UUID

from fabric.hypervisors.base import Done, Outcome, pending
from fabric.hypervisors.errors import Busy, Missing
from fabric.hypervisors.simulated.ends import ENDS, UNDONE

LONGEST_RETRY = 1.5
JOURNAL_LENGTH = 10_000
# Work that a guest's parts had better not change under.
UPHEAVALS = frozenset(
    {
        "ensure_checkpoint",
        "ensure_restored",
        "ensure_checkpoint_removed",
        "ensure_moved",
        "ensure_removed",
    }
)
# Due at this host: its own work, and guests on their way to it. A host that has vanished neither
# sends nor receives them, so such a guest stays where it was.
DUE = """
    SELECT host, subject, verb, target FROM work WHERE rowid IN (
        SELECT rowid FROM work WHERE host=?1
        UNION ALL SELECT w.rowid FROM guests g JOIN work w ON w.host=g.host AND w.subject=g.id
        WHERE g.goes_to_host=?1
    ) AND until<=?2 AND NOT hangs AND NOT (verb='ensure_moved' AND EXISTS (
        SELECT 1 FROM faults WHERE kind='vanish' AND faults.host IN (work.host, work.target)
    ))
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What a disk or guest is in the middle of."""

    verb: str
    target: str
    began: float
    until: float
    hangs: bool

    def outcome(self, now: float) -> Outcome:
        """How far it is; hanging work creeps towards the end it never reaches.

        Work that is overdue waits for a host that has vanished.
        """
        share = (now - self.began) / max(self.until - self.began, 1e-9)
        left = LONGEST_RETRY if self.hangs or self.until <= now else self.until - now
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

    def guest(self, guest_id: UUID) -> sqlite3.Row:
        """The guest's row, or Missing."""
        row = self.row("SELECT * FROM guests WHERE host=?1 AND id=?2", str(guest_id))
        if row is None:
            raise Missing(f"There is no guest {guest_id} on host {self.host}.")
        return row

    def disk(self, disk_id: UUID) -> sqlite3.Row:
        """The disk's row, or Missing."""
        row = self.row("SELECT * FROM disks WHERE host=?1 AND id=?2", str(disk_id))
        if row is None:
            raise Missing(f"There is no disk {disk_id} on host {self.host}.")
        return row

    def work_on(self, subject: UUID) -> Work | None:
        """What this disk or guest is in the middle of."""
        row = self.row(
            "SELECT verb, target, began, until, hangs FROM work WHERE host=?1 AND subject=?2",
            str(subject),
        )
        return None if row is None else Work(*row)

    def require_idle(self, subject: UUID) -> None:
        """Refuse with Busy while this disk or guest is in the middle of anything."""
        work = self.work_on(subject)
        if work is not None:
            raise self.busy(subject, work)

    def require_idle_disks(self, guest_id: UUID, *verbs: str) -> None:
        """Refuse with Busy while a disk of the guest is in the middle of these verbs, or of any."""
        for row in self.run(
            "SELECT d.id, w.verb FROM disks d JOIN work w ON w.host=d.host AND w.subject=d.id"
            " WHERE d.host=?1 AND d.guest=?2",
            str(guest_id),
        ).fetchall():
            if not verbs or row["verb"] in verbs:
                self.require_idle(UUID(row["id"]))

    def require_calm(self, guest_id: UUID) -> None:
        """Refuse with Busy while the guest as a whole leaves, moves, or is being remembered."""
        work = self.work_on(guest_id)
        if work is not None and work.verb in UPHEAVALS:
            raise self.busy(guest_id, work)

    def stir(self, guest_id: UUID) -> None:
        """Note that the guest is no longer as it was at a checkpoint."""
        self.run("UPDATE guests SET stands_at=NULL WHERE host=?1 AND id=?2", str(guest_id))

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
        self.give_up(subject)
        if until <= self.now and not self.hangs:
            ENDS[verb](self, str(subject), target)
            return Done
        work = Work(verb, target, self.now, until, self.hangs)
        self.run(
            "INSERT INTO work (host, subject, verb, target, began, until, hangs)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            *(str(subject), verb, target, self.now, until, self.hangs),
        )
        return work.outcome(self.now)

    def give_up(self, subject: UUID) -> None:
        """Forget the work on this disk or guest, as far as it has come, and free its room."""
        row = self.row(
            "DELETE FROM work WHERE host=?1 AND subject=?2 RETURNING verb, target", str(subject)
        )
        if row is not None and row["verb"] in UNDONE:
            UNDONE[row["verb"]](self, str(subject), row["target"])

    def settle(self) -> None:
        """Bring about the ends of all work whose time has come."""
        due = self.run(DUE, self.now).fetchall()
        for host, subject, verb, target in due:
            there = replace(self, host=host)
            there.run("DELETE FROM work WHERE host=?1 AND subject=?2", subject)
            ENDS[verb](there, subject, target)
