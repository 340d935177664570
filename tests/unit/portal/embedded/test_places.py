"""Socket folders: short, private, and never one that somebody else prepared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.embedded import EmbeddedError, places


def test_sockets_live_in_the_state_folder_where_they_fit(tmp_path: Path) -> None:
    assert places.socket_dir(tmp_path) == tmp_path / "run"
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_the_limit_is_the_kernels(tmp_path: Path) -> None:
    name = places.LONGEST_SOCKET_NAME
    longest = Path("/" + "x" * (places.SOCKET_PATH_LIMIT - len(name) - 2))
    assert places.fits(longest)
    assert not places.fits(Path(f"{longest}x"))
    assert not places.fits(Path("/" + "é" * 60)), "bytes count, not letters"


def test_a_link_put_there_by_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_dir = tmp_path / ("long" * 30)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")
    chosen = places.socket_dir(state_dir)
    chosen.rmdir()
    chosen.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedError, match="somebody else"):
            places.socket_dir(state_dir)
    finally:
        os.unlink(chosen)


def test_a_missing_package_is_named() -> None:
    with pytest.raises(EmbeddedError, match="no_such_wheel is not installed"):
        places.package_dir("no_such_wheel")
