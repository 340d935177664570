"""Where sockets and binaries live."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
from pathlib import Path

from portal.embedded.errors import EmbeddedError

# sun_path of sockaddr_un holds 108 bytes, the closing zero among them.
SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"


def socket_dir(state_dir: Path) -> Path:
    """Return a folder only we can enter, short enough for a socket; made when missing.

    `run/` in the state folder where it fits, else one named after the state folder under
    XDG_RUNTIME_DIR or /tmp.
    """
    inside = state_dir.resolve() / "run"
    if fits(inside):
        inside.mkdir(mode=0o700, parents=True, exist_ok=True)
        inside.chmod(0o700)
        return inside
    name = f"katal-{os.geteuid()}-{hashlib.sha256(os.fsencode(inside)).hexdigest()[:12]}"
    for base in (os.environ.get("XDG_RUNTIME_DIR"), "/tmp"):  # noqa: S108 - made private below
        if base and os.access(base, os.W_OK | os.X_OK) and fits(Path(base) / name):
            return private(Path(base) / name)
    raise EmbeddedError(f"No folder is short enough for a socket; {inside} is too long.")


def fits(folder: Path) -> bool:
    """Whether every socket we make in `folder` has an address the kernel takes."""
    return len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT


def private(folder: Path) -> Path:
    """Make `folder` for us alone; refuse one that somebody else put there first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EmbeddedError(f"{folder} belongs to somebody else; remove it and start again.")
    folder.chmod(0o700)
    return folder


def package_dir(package: str) -> Path:
    """Return the folder of an installed package without running any of its code."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {package} is not installed; run `make run` again.")
    return Path(next(iter(spec.submodule_search_locations)))
