"""Passwords made for people whose browser runs no script; the script makes the same kind."""

from __future__ import annotations

import secrets

LENGTH = 20
# None that are taken for another.
KINDS = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-_+=.:")


def make() -> str:
    """Return a new password with something of every kind."""
    everything = "".join(KINDS)
    while True:
        made = "".join(secrets.choice(everything) for _place in range(LENGTH))
        if all(any(each in kind for each in made) for kind in KINDS):
            return made
