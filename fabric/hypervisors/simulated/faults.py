"""Faults on command: planned from outside, used up by the next verbs that match, on any process."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fabric.hypervisors.errors import Rejected, Unreachable
from fabric.hypervisors.simulated.rack import Rack

LONG_VERBS = frozenset(
    {
        "ensure_disk",
        "ensure_disk_size",
        "ensure_disk_moved",
        "ensure_power",
        "ensure_guest_setup",
        "ensure_checkpoint",
        "ensure_restored",
        "ensure_checkpoint_removed",
        "ensure_image",
        "ensure_checkpoint_image",
        "ensure_moved",
        "ensure_removed",
    }
)
SHORT_VERBS = frozenset(
    {
        "ensure_defined",
        "ensure_adapter",
        "ensure_adapter_removed",
        "ensure_resized",
        "ensure_renamed",
        "ensure_attached",
        "ensure_detached",
        "ensure_media",
        "ensure_disk_removed",
        "ensure_image_removed",
    }
)
QUESTIONS = frozenset(
    {"facts", "guest", "guests", "disks", "checkpoints", "images", "counters", "counters_at"}
)
VERBS = LONG_VERBS | SHORT_VERBS | QUESTIONS
KINDS = frozenset({"fail", "unreachable", "lose_reply", "hang", "lie", "vanish"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A planned fault that matches the verb being carried out."""

    id: int
    kind: str
    detail: str
    seconds: float

    def spend(self, connection: sqlite3.Connection) -> None:
        """Count it down; the caller holds the rack's write lock, so no other process can too."""
        connection.execute("UPDATE faults SET remaining=remaining-1 WHERE id=?", (self.id,))
        connection.execute("DELETE FROM faults WHERE id=? AND remaining<=0", (self.id,))

    def strikes_before(self, verb: str) -> bool:
        """Whether the verb is not even begun."""
        if self.kind == "hang":
            return verb not in LONG_VERBS
        return self.kind in ("fail", "unreachable", "vanish")

    def strike(self) -> NoReturn:
        """Raise what the caller gets to see; for a hang, after its time-out."""
        if self.kind == "fail":
            raise Rejected(self.detail or "The host refused (planned fault).")
        if self.kind == "hang" and self.seconds:
            time.sleep(self.seconds)
        raise Unreachable(self.detail or f"No answer from the host (planned fault: {self.kind}).")


def plan_fault(
    rack: Path,
    host: str,
    verb: str,
    kind: str,
    times: int = 1,
    *,
    detail: str = "",
    seconds: float = 0.0,
) -> None:
    """Make the host misbehave the next `times` times that `verb` ('*' for any) is asked.

    fail: Rejected, nothing done. unreachable: Unreachable, nothing done. lose_reply: done, then
    Unreachable. hang: a long verb begins and stays pending until `clear_faults`; another one
    raises Unreachable after `seconds`. lie: says it is done and does nothing; a question gets an
    empty answer. vanish: Unreachable for every verb until `clear_faults`.
    Faults planned earlier strike first; one that finds nothing to do is left for later.
    """
    if kind not in KINDS or (verb != "*" and verb not in VERBS) or times < 1:
        raise ValueError(f"No such fault: {kind} of {verb}, {times} times")
    values = (host, "*" if kind == "vanish" else verb, kind)
    with Rack(rack).writing() as connection:
        connection.execute(
            "INSERT INTO faults (host, verb, kind, remaining, detail, seconds)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*values, None if kind == "vanish" else times, detail, seconds),
        )


def clear_faults(rack: Path, host: str | None = None) -> None:
    """Forget all planned faults (of one host), and let hanging work go on as if it never had."""
    with Rack(rack).writing() as connection:
        connection.execute("DELETE FROM faults WHERE ?1 IS NULL OR host=?1", (host,))
        connection.execute("UPDATE work SET hangs=0 WHERE ?1 IS NULL OR host=?1", (host,))


def matching(connection: sqlite3.Connection, host: str, verb: str) -> Fault | None:
    """The fault that this verb is to suffer now; not yet spent. A vanished host comes first."""
    row = connection.execute(
        "SELECT id, kind, detail, seconds FROM faults"
        " WHERE host=? AND verb IN (?, '*') ORDER BY kind='vanish' DESC, id LIMIT 1",
        (host, verb),
    ).fetchone()
    return None if row is None else Fault(*row)
