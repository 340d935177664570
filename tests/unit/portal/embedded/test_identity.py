"""As whom PostgreSQL runs; the last case is the one plain Docker needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.embedded import EmbeddedError, identity, start_postgres

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who it is")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that any user can reach, as /app in a container is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "var").mkdir(mode=0o700)
    yield folder / "var"
    shutil.rmtree(folder)


def test_a_plain_user_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert identity.choose(tmp_path) == identity.Identity()


@root_only
@pytest.mark.slow
def test_without_user_namespaces_root_becomes_nobody(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "namespace_allowed", lambda: False)
    server = start_postgres(reachable, durable=False)
    try:
        owner = Path(f"/proc/{server.process.pid}").stat().st_uid
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        server.stop()
    assert owner == identity.NOBODY


@root_only
def test_a_folder_nobody_can_enter_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir = tmp_path / "closed" / "var" / "postgres"
    data_dir.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    monkeypatch.setattr(identity, "namespace_allowed", lambda: False)
    with pytest.raises(EmbeddedError, match="run as a plain user"):
        identity.choose(data_dir)
