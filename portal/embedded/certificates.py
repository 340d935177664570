"""A certificate authority for this one machine, made on the first run.

`tls/ca.pem` is what the portal (and anybody else) verifies the local SPF with; `tls/spf.pem`
and `tls/spf.key` are what SPF shows. The authority's key never leaves `tls/ca.key`, mode 0600.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = datetime.timedelta(days=3650)
LEAF_LIFE = datetime.timedelta(days=397)
RENEW_BEFORE = datetime.timedelta(days=30)
CLOCK_SKEW = datetime.timedelta(hours=1)


def ensure_certificates(state_dir: Path, now: datetime.datetime | None = None) -> Path:
    """Return the `tls` folder with an authority and a leaf good for another 30 days at least.

    A leaf is also made anew when the machine changed its name. Repeatable; cheap when nothing
    is to be done.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    folder = state_dir / "tls"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = load(folder / "ca.pem")
    if (
        authority is None
        or not key_of(authority, folder / "ca.key")
        or not valid_for(authority, now, LEAF_LIFE)
    ):
        authority = make_authority(folder, now)
    leaf = load(folder / "spf.pem")
    if (
        leaf is None
        or not key_of(leaf, folder / "spf.key")
        or not valid_for(leaf, now, RENEW_BEFORE)
        or not signed_by(leaf, authority)
        or names_in(leaf) != names_here()
    ):
        make_leaf(folder, authority, now)
    return folder


def make_authority(folder: Path, now: datetime.datetime) -> x509.Certificate:
    """Make and store a new authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Katal on {host_name()}"[:64])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        dated(x509.CertificateBuilder(), now, AUTHORITY_LIFE)
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    store_key(folder / "ca.key", key)
    store(folder / "ca.pem", certificate.public_bytes(Encoding.PEM), 0o644)
    return certificate


def make_leaf(folder: Path, authority: x509.Certificate, now: datetime.datetime) -> None:
    """Make and store a new key and certificate for the local SPF."""
    signer = load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        dated(x509.CertificateBuilder(), now, LEAF_LIFE)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(general_names()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    store_key(folder / "spf.key", key)
    store(folder / "spf.pem", certificate.public_bytes(Encoding.PEM), 0o644)


def dated(
    builder: x509.CertificateBuilder, now: datetime.datetime, life: datetime.timedelta
) -> x509.CertificateBuilder:
    """Give a certificate its serial number and its time, from a little before now."""
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def key_usage(signs_certificates: bool) -> x509.KeyUsage:
    """Say what a key may do: sign certificates, or prove who a server is."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def host_name() -> str:
    """Return this machine's own name."""
    return socket.gethostname() or "localhost"


def general_names() -> list[x509.GeneralName]:
    """Return every name under which SPF is reached from here."""
    addresses = [ipaddress.ip_address(text) for text in ("127.0.0.1", "::1")]
    hosts = sorted({"localhost", host_name()})
    return [x509.DNSName(host) for host in hosts] + [x509.IPAddress(a) for a in addresses]


def names_here() -> set[str]:
    """Return the names a leaf made now would carry, to compare."""
    return {str(name.value) for name in general_names()}


def names_in(leaf: x509.Certificate) -> set[str]:
    """Return the names a leaf carries, to compare."""
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def valid_for(
    certificate: x509.Certificate, now: datetime.datetime, more: datetime.timedelta
) -> bool:
    """Whether the certificate holds now and for some time more."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc - more


def signed_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this very authority signed the leaf."""
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def key_of(certificate: x509.Certificate, path: Path) -> bool:
    """Whether the file holds this certificate's private key (a crash may part the two)."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError):
        return False
    return key.public_key() == certificate.public_key()


def load(path: Path) -> x509.Certificate | None:
    """Return a stored certificate, or None when it is missing or unreadable."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def store_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Store a private key for our eyes only, in the form rustls reads (PKCS #8)."""
    store(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)


def store(path: Path, content: bytes, mode: int) -> None:
    """Replace a file in one step; it never exists with a wider mode or half its content."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)
