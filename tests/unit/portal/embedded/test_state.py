"""The state folder: one launcher at a time, and slow steps done once."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.embedded import state
from portal.embedded.errors import AlreadyRunning


def test_one_launcher_at_a_time(tmp_path: Path) -> None:
    with state.held(tmp_path), pytest.raises(AlreadyRunning, match="process"), state.held(tmp_path):
        pass
    with state.held(tmp_path):
        pass


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    state.ensure_secret_key(tmp_path)
    made = (tmp_path / "secret_key").read_text()
    state.ensure_secret_key(tmp_path)
    assert (tmp_path / "secret_key").read_text() == made
    assert len(made) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_stamp_holds_until_an_input_changes(tmp_path: Path) -> None:
    source = tmp_path / "0001_initial.py"
    source.write_text("one")
    state.Stamp(tmp_path, "tables", [source]).set()
    assert state.Stamp(tmp_path, "tables", [source]).fresh()
    source.write_text("two")
    assert not state.Stamp(tmp_path, "tables", [source]).fresh()


def test_a_cleared_stamp_is_not_fresh(tmp_path: Path) -> None:
    stamp = state.Stamp(tmp_path, "static", [])
    stamp.set()
    stamp.clear()
    assert not stamp.fresh()
