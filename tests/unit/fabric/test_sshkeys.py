"""Public SSH keys: what people paste, and what they paste by mistake."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fabric.sshkeys import MOST_KEYS, NoKey, read, read_all

# `ssh-keygen -lf` says SHA256:4CoULR5Ft18Q1WmI6KyMGvBuFyyFpS1n8VOlA0xb6M0 of the first.
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def public(private) -> str:
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_a_key_is_known_by_kind_comment_and_fingerprint() -> None:
    key = read(f"  {ED25519} alice@laptop of hers ")
    assert (key.kind, key.comment) == ("ssh-ed25519", "alice@laptop of hers")
    assert key.fingerprint.startswith("SHA256:")
    assert key.text == f"{ED25519} alice@laptop of hers"


@pytest.mark.parametrize("make", [ed25519.Ed25519PrivateKey.generate, None])
def test_every_kind_in_use_will_do(make) -> None:
    private = make() if make else ec.generate_private_key(ec.SECP256R1())
    assert read(public(private)).comment == ""


@pytest.mark.slow
def test_a_long_rsa_key_will_do_and_a_short_one_not() -> None:
    assert read(public(rsa.generate_private_key(65537, 2048))).kind == "ssh-rsa"
    with pytest.raises(NoKey, match="2048"):
        read(public(rsa.generate_private_key(65537, 1024)))


def test_a_private_key_is_refused_and_never_repeated() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    pasted = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    with pytest.raises(NoKey, match="private key") as refused:
        read_all(pasted)
    assert pasted.splitlines()[1] not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    ["hello", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 not/base64!", f"no-pty {ED25519}"]
    + ["ssh-rsa " + ED25519.split()[1], "x" * 5000, "ssh-ed25519\t\0 x"],
)
def test_anything_else_is_refused(line) -> None:
    with pytest.raises(NoKey):
        read(line)


def test_several_stand_one_a_line_and_each_counts_once() -> None:
    other = public(ed25519.Ed25519PrivateKey.generate())
    text = f"# mine\n{ED25519} a\n\n{other}\n{ED25519} again\n"
    assert [key.comment for key in read_all(text)] == ["a", ""]


def test_a_bad_line_is_named_by_its_number() -> None:
    with pytest.raises(NoKey, match="Line 2"):
        read_all(f"{ED25519}\nnonsense\n")


def test_there_is_an_end_to_it() -> None:
    lines = [public(ed25519.Ed25519PrivateKey.generate()) for _key in range(MOST_KEYS + 1)]
    assert len(read_all("\n".join(lines[:-1]))) == MOST_KEYS
    with pytest.raises(NoKey, match=str(MOST_KEYS)):
        read_all("\n".join(lines))
