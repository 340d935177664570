"""The local certificate authority: made once, strict, renewed in time."""

from __future__ import annotations

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from portal.embedded import certificates
from portal.embedded.certificates import ensure_certificates

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def serials(folder: Path) -> tuple[int, int]:
    return tuple(  # type: ignore[return-value]
        x509.load_pem_x509_certificate((folder / name).read_bytes()).serial_number
        for name in ("ca.pem", "spf.pem")
    )


def test_first_run_makes_both_and_the_next_changes_nothing(tmp_path: Path) -> None:
    first = serials(ensure_certificates(tmp_path, NOW))
    assert serials(ensure_certificates(tmp_path, NOW + 100 * DAY)) == first


def test_keys_are_for_our_eyes_only(tmp_path: Path) -> None:
    folder = ensure_certificates(tmp_path)
    for name in ("ca.key", "spf.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert (folder / name).read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_the_leaf_names_every_way_to_reach_this_machine(tmp_path: Path) -> None:
    folder = ensure_certificates(tmp_path)
    leaf = x509.load_pem_x509_certificate((folder / "spf.pem").read_bytes())
    assert {"localhost", "127.0.0.1", "::1", certificates.host_name()} <= certificates.names_in(
        leaf
    )


def test_a_strict_client_accepts_the_pair(tmp_path: Path) -> None:
    folder = ensure_certificates(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "spf.pem", folder / "spf.key")
    client = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(3):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    assert ends[0].version() == "TLSv1.3"


@pytest.mark.parametrize(("days", "renewed"), [(360, False), (368, True), (500, True)])
def test_a_leaf_is_renewed_within_its_last_month(tmp_path: Path, days: int, renewed: bool) -> None:
    authority, leaf = serials(ensure_certificates(tmp_path, NOW))
    later = serials(ensure_certificates(tmp_path, NOW + days * DAY))
    assert (later[1] != leaf, later[0]) == (renewed, authority)


def test_a_machine_with_a_new_name_gets_a_new_leaf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = serials(ensure_certificates(tmp_path, NOW))
    monkeypatch.setattr(certificates, "host_name", lambda: "renamed.example")
    after = serials(ensure_certificates(tmp_path, NOW))
    assert after[0] == before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize("name", ["ca.key", "ca.pem", "spf.key", "spf.pem"])
@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_any_missing_or_damaged_file_is_mended(tmp_path: Path, name: str, damage: str) -> None:
    folder = ensure_certificates(tmp_path, NOW)
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_text("garbage")
    ensure_certificates(tmp_path, NOW)
    keys_match = [
        certificates.key_of(
            x509.load_pem_x509_certificate((folder / f"{who}.pem").read_bytes()),
            folder / f"{who}.key",
        )
        for who in ("ca", "spf")
    ]
    assert keys_match == [True, True]
