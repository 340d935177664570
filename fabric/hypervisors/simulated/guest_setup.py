"""Guest set-up: name, administrator, settings. Of secrets only salted scrypt digests are kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
from typing import Any
from uuid import UUID

from fabric.hypervisors.base import Done, GuestSetup, Outcome, Power
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated.turn import Turn

SETUP_SECONDS = 5.0
SCRYPT_COST = 512  # under a millisecond: it is computed again at each question
SETTINGS = ("time_zone", "workgroup", "domain", "ssh_keys")
SECRETS = ("product_key", "answer_file", "script", "user_data")


def ensure_guest_setup(turn: Turn, guest_id: UUID, setup: GuestSetup) -> Outcome:
    """Begin the set-up, go on with it, or begin it anew with other values."""
    row = turn.guest(guest_id)
    _require_sense(guest_id, setup)
    work = turn.work_on(guest_id)
    is_same = has(row, setup)
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
    _write(turn, row, setup)
    return turn.begin("ensure_guest_setup", guest_id, SETUP_SECONDS)


def _require_sense(guest_id: UUID, setup: GuestSetup) -> None:
    lets_in = bool(setup.password or setup.ssh_keys)
    if bool(setup.user) != lets_in:
        raise Rejected(
            f"Guest {guest_id} needs both a user and a password or SSH keys, or none of them."
        )
    if setup.domain and setup.workgroup:
        raise Rejected(f"Guest {guest_id} is either in a domain or in a workgroup.")


def has(row: sqlite3.Row, setup: GuestSetup) -> bool:
    """Whether these are the values given to the guest last, as far as any are given here."""
    if row["computer_name"] != setup.computer_name:
        return False
    if setup.user and row["user"] != setup.user:
        return False
    if setup.password and not accepts(row, setup.user, setup.password):
        return False
    settings, proofs = json.loads(row["settings"]), json.loads(row["proofs"])
    return all(
        settings.get(name) == value for name, value in _given(setup, SETTINGS).items()
    ) and all(_is_proven(proofs.get(name), value) for name, value in _given(setup, SECRETS).items())


def accepts(row: sqlite3.Row, user: str, password: str) -> bool:
    """Whether these are the administrator and the password given to the guest last."""
    if row["digest"] is None or row["user"] != user:
        return False
    return hmac.compare_digest(row["digest"], _digest(password, row["salt"]))


def _write(turn: Turn, row: sqlite3.Row, setup: GuestSetup) -> None:
    settings = json.loads(row["settings"]) | _given(setup, SETTINGS)
    # A guest is in a domain or in a workgroup.
    if setup.domain or setup.workgroup:
        settings.pop("workgroup" if setup.domain else "domain", None)
    proofs = json.loads(row["proofs"])
    for name, value in _given(setup, SECRETS).items():
        salt = os.urandom(16)
        proofs[name] = [salt.hex(), _digest(value, salt).hex()]
    turn.run(
        "UPDATE guests SET computer_name=?3, settings=?4, proofs=?5, is_set_up=0"
        " WHERE host=?1 AND id=?2",
        *(row["id"], setup.computer_name, json.dumps(settings), json.dumps(proofs)),
    )
    if setup.user:
        turn.run("UPDATE guests SET user=?3 WHERE host=?1 AND id=?2", row["id"], setup.user)
    if setup.password:
        salt = os.urandom(16)
        turn.run(
            "UPDATE guests SET salt=?3, digest=?4 WHERE host=?1 AND id=?2",
            *(row["id"], salt, _digest(setup.password, salt)),
        )


def _given(setup: GuestSetup, names: tuple[str, ...]) -> dict[str, Any]:
    """What is given of these, as JSON keeps it."""
    given = {name: value for name in names if (value := getattr(setup, name))}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}


def _is_proven(proof: list[str] | None, value: str) -> bool:
    if proof is None:
        return False
    salt, digest = map(bytes.fromhex, proof)
    return hmac.compare_digest(digest, _digest(value, salt))


def _has_system(turn: Turn, guest_id: UUID) -> bool:
    found = turn.row(
        "SELECT 1 FROM disks WHERE host=?1 AND guest=?2 AND source_image IS NOT NULL",
        str(guest_id),
    )
    return found is not None


def _digest(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=SCRYPT_COST, r=8, p=1, dklen=32)
