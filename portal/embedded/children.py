"""Child processes that never outlive us.

Every child asks the kernel (`PR_SET_PDEATHSIG`) for a signal at the moment its parent dies, so
even a SIGKILL of the launcher ends the whole cloud, databases cleanly. Children sit in process
groups of their own: Ctrl-C reaches only the launcher, which then stops them in order, and what
a dead child leaves behind can be ended as a group. Linux only. Spawn from the main thread: the
kernel counts the death of the spawning *thread*.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def spawn(
    argv: Sequence[str],
    *,
    on_parent_death: signal.Signals = signal.SIGTERM,
    output: int | IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process that gets `on_parent_death` when this one ends, however it ends."""
    parent = os.getpid()

    def follow_the_parent() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(on_parent_death))
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    # preexec_fn runs after the user was changed: a change of user would forget the signal.
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        user=user,
        group=group,
        extra_groups=[] if user is not None else None,
        process_group=0,
        preexec_fn=follow_the_parent,
    )


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a child and everything it started; silent where nothing is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def stop(
    processes: Iterable[subprocess.Popen[bytes]],
    *,
    polite: signal.Signals = signal.SIGTERM,
    patience: float = 5.0,
) -> None:
    """Ask children to end together, wait `patience` seconds, then end what is left by force."""
    running = list(processes)
    for process in running:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(polite)
    deadline = time.monotonic() + patience
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        signal_group(process, signal.SIGKILL)
        process.wait()


def runs_in(pid: int, folder: Path, program: str) -> bool:
    """Whether `pid` is a living `program` whose working folder is `folder`.

    A pid file alone proves nothing: after a reboot its number may belong to anybody.
    """
    proc = Path("/proc") / str(pid)
    try:
        return (proc / "cwd").resolve(strict=True) == folder.resolve() and os.readlink(
            proc / "exe"
        ).removesuffix(" (deleted)").endswith(f"/{program}")
    except OSError:
        return False


def end_leftover(
    pid: int, folder: Path, program: str, polite: signal.Signals, patience: float = 30.0
) -> bool:
    """End a server that a vanished launcher left on `folder`; False when there is none."""
    if not runs_in(pid, folder, program):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, polite)
    deadline = time.monotonic() + patience
    while runs_in(pid, folder, program):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            deadline += patience
        time.sleep(0.02)
    return True
