"""One embedded server, running."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.embedded import children
from portal.embedded.errors import EmbeddedError

LOG_LIMIT = 5_000_000


@dataclass
class Server:
    """A child process and the address to reach it at."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    polite: signal.Signals
    fresh: bool = False  # its data folder was made by this very start

    def alive(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None

    def stop(self, patience: float = 15.0) -> None:
        """End it cleanly; repeatable."""
        children.stop([self.process], polite=self.polite, patience=patience)


def open_log(state_dir: Path, name: str) -> IO[bytes]:
    """Open `log/<name>.log` for appending, the old one kept aside once it has grown."""
    folder = state_dir / "log"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.old"))
    return path.open("ab")


def wait_until_ready(
    name: str,
    process: subprocess.Popen[bytes],
    answers: Callable[[], bool],
    log: Path,
    patience: float = 60.0,
) -> None:
    """Return once the server answers; raise with the end of its log when it died or hangs."""
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        if answers():
            return
        time.sleep(0.02)
    reason = "did not answer" if process.poll() is None else f"ended ({process.returncode})"
    children.stop([process], polite=signal.SIGKILL)
    raise EmbeddedError(f"{name} {reason}. The end of {log}:\n{tail(log)}")


def tail(path: Path, lines: int = 8) -> str:
    """Return the last lines of a text file."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return f"(unreadable: {error.strerror})"
