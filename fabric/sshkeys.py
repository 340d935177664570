"""Public SSH keys, as people paste them: read, checked, and known by their fingerprints."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.dsa import DSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from django.utils.translation import gettext as _

MOST_KEYS = 20
LINE_LENGTH = 4096
SHORTEST_RSA = 2048


@dataclass(frozen=True)
class SshKey:
    """One public key. `fingerprint` is what `ssh-keygen -l` says."""

    text: str
    kind: str
    fingerprint: str
    comment: str


class NoKey(ValueError):
    """A line is no public key that could be used; the message says why, never the line itself."""


def read(line: str) -> SshKey:
    """Return the key of one line; raises NoKey."""
    line = line.strip()
    if "PRIVATE KEY" in line:
        raise NoKey(_("This is a private key: give it to nobody. Paste the line of the .pub file."))
    if len(line) > LINE_LENGTH:
        raise NoKey(_("This is too long for a key."))
    kind, _space, rest = line.partition(" ")
    body, _space, comment = rest.strip().partition(" ")
    if not line.isprintable() or not body:
        raise NoKey(_("A public key is one line: its kind, the key, and a comment if you like."))
    try:
        key = load_ssh_public_key(f"{kind} {body}".encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoKey(_("This is no public key that machines understand.")) from error
    if isinstance(key, DSAPublicKey):
        raise NoKey(_("DSA keys are not safe any more: make an Ed25519 key."))
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA:
        raise NoKey(_("RSA keys need at least %(n)d bits.") % {"n": SHORTEST_RSA})
    digest = hashlib.sha256(base64.b64decode(body)).digest()
    fingerprint = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    comment = comment.strip()
    return SshKey(f"{kind} {body} {comment}".strip(), kind, fingerprint, comment)


def read_all(text: str) -> list[SshKey]:
    """Return the keys of a text, one a line, each once; raises NoKey that names the line."""
    if "PRIVATE KEY" in text:
        return [read("PRIVATE KEY")]
    found: dict[str, SshKey] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            key = read(line)
        except NoKey as problem:
            raise NoKey(
                _("Line %(n)d: %(problem)s") % {"n": number, "problem": problem}
            ) from problem
        found.setdefault(key.fingerprint, key)
    if len(found) > MOST_KEYS:
        raise NoKey(_("At most %(n)d keys.") % {"n": MOST_KEYS})
    return list(found.values())
