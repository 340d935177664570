"""Guest set-up: name and administrator. Of the password only a salted scrypt digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from uuid import UUID

from fabric.hypervisors.base import Done, Outcome, Power
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated.turn import Turn

SETUP_SECONDS = 5.0
SCRYPT_COST = 512  # under a millisecond: it is computed again at each question


def ensure_guest_setup(
    turn: Turn, guest_id: UUID, computer_name: str, user: str, password: str
) -> Outcome:
    """Begin the set-up, go on with it, or begin it anew with other values."""
    row = turn.guest(guest_id)
    work = turn.work_on(guest_id)
    is_same = row["computer_name"] == computer_name and accepts(row, user, password)
    if is_same and row["is_set_up"]:
        return Done
    if work is not None:
        if work.verb != "ensure_guest_setup":
            raise turn.busy(guest_id, work)
        if is_same:
            return work.outcome(turn.now)
    if row["power"] != Power.RUNNING:
        raise Rejected(f"Guest {guest_id} must be running to be set up; it is {row['power']}.")
    if not _has_system(turn, guest_id):
        raise Rejected(f"Guest {guest_id} has no operating system to set up.")
    salt = os.urandom(16)
    turn.run(
        "UPDATE guests SET computer_name=?3, user=?4, salt=?5, digest=?6, is_set_up=0"
        " WHERE host=?1 AND id=?2",
        *(str(guest_id), computer_name, user, salt, _digest(password, salt)),
    )
    return turn.begin("ensure_guest_setup", guest_id, SETUP_SECONDS)


def accepts(row: sqlite3.Row, user: str, password: str) -> bool:
    """Whether these are the values given to the guest last."""
    if row["digest"] is None or row["user"] != user:
        return False
    return hmac.compare_digest(row["digest"], _digest(password, row["salt"]))


def _has_system(turn: Turn, guest_id: UUID) -> bool:
    found = turn.row(
        "SELECT 1 FROM disks WHERE host=?1 AND guest=?2 AND source_image IS NOT NULL",
        str(guest_id),
    )
    return found is not None


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=SCRYPT_COST, r=8, p=1, dklen=32)
