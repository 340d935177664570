"""Public SSH keys, as people paste them: one a line, in the format of authorized_keys."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from fabric.vmm.errors import Invalid

MOST_KEYS: Final = 20
LONGEST_KEY: Final = 8_192
KINDS: Final = frozenset(
    {
        "ssh-rsa",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)


def clean(text: str, *, field: str = "ssh_keys") -> list[str]:
    """Return the keys, each once, without blank lines; Invalid says which line is none.

    No message quotes a line: somebody may have pasted a private key.
    """
    if "PRIVATE KEY" in text:
        raise Invalid(
            "That is a private key, which nobody else may have: give the public one.", field=field
        )
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key = " ".join(line.split())
        if not key:
            continue
        _require_key(key, number, field)
        found.setdefault(key.split(" ")[1], key)
    if len(found) > MOST_KEYS:
        raise Invalid(f"A machine takes at most {MOST_KEYS} SSH keys.", field=field)
    return list(found.values())


def _require_key(key: str, number: int, field: str) -> None:
    kind, _, rest = key.partition(" ")
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise Invalid(f"Line {number} is no public SSH key.", field=field)
    if kind not in KINDS:
        raise Invalid(
            f"Line {number} is no public SSH key: it begins with none of the kinds "
            f"{', '.join(sorted(KINDS))}.",
            field=field,
        )
    if _told_kind(rest.partition(" ")[0]) != kind:
        raise Invalid(f"Line {number} is no whole public SSH key of the kind {kind}.", field=field)


def _told_kind(encoded: str) -> str:
    """The kind that a key itself says it is of: its first text, with the length before it."""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return ""
    length = int.from_bytes(blob[:4], "big")
    # More than its name must follow.
    return blob[4 : 4 + length].decode("ascii", "replace") if len(blob) > 4 + length else ""
