"""The state folder: one launcher at a time, the secret key, and what was done already."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.embedded.certificates import store
from portal.embedded.errors import AlreadyRunning


@contextmanager
def held(state_dir: Path) -> Iterator[None]:
    """Hold the state folder for one launcher; the kernel lets go when that process ends."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(state_dir / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunning(
                f"Katal already runs on {state_dir} (process {holder}). Stop that one, or give "
                "this one a folder and ports of its own (KATAL_STATE_DIR, KATAL_ADMIN_PORT …)."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def ensure_secret_key(state_dir: Path) -> None:
    """Make the key that signs sessions, once, for our eyes only."""
    path = state_dir / "secret_key"
    if not path.exists():
        store(path, secrets.token_urlsafe(64).encode(), 0o600)


def fingerprint(files: Iterable[Path]) -> str:
    """Return a digest of the files' names and contents."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(os.fsencode(path) + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class Stamp:
    """Remembers that a slow step was done for these very inputs."""

    def __init__(self, state_dir: Path, name: str, files: Iterable[Path]) -> None:
        self.path = state_dir / "stamps" / name
        self.wanted = fingerprint(files)

    def fresh(self) -> bool:
        """Whether the step was done for what is there now."""
        try:
            return self.path.read_text() == self.wanted
        except OSError:
            return False

    def set(self) -> None:
        """Note that the step is done."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        store(self.path, self.wanted.encode(), 0o600)

    def clear(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
