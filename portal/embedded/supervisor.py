"""Keeps the processes of the Procfile alive, and ends them together."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded import children
from portal.embedded.console import Console
from portal.embedded.procfile import Process
from portal.embedded.server import Server

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# Having run this long, a process counts as healthy again: its next death is a first one.
HEALTHY_AFTER = 60.0
PATIENCE = 5.0


@dataclass
class Kept:
    """A process we keep, and when to start it again after a death."""

    process: Process
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    restart_at: float = 0.0


class Supervisor:
    """Starts processes, prints what they say, restarts what dies."""

    def __init__(
        self,
        console: Console,
        environment: Mapping[str, str],
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self.environment = environment
        self.folder = folder
        self.clock = clock
        self.kept: list[Kept] = []
        self.once: list[subprocess.Popen[bytes]] = []
        self.servers: dict[str, tuple[Server, Callable[[], Server]]] = {}

    def keep(self, process: Process) -> None:
        """Start a process and keep it running."""
        kept = Kept(process)
        self.kept.append(kept)
        self.start(kept)

    def keep_server(self, server: Server, start: Callable[[], Server]) -> None:
        """Watch a server that runs already; `start` brings it back after a death."""
        self.servers[server.name] = (server, start)

    def run(self, process: Process) -> subprocess.Popen[bytes]:
        """Start a process once, its words printed like all others'; it ends with all others."""
        running = self.spawn(process)
        self.once.append(running)
        return running

    def spawn(self, process: Process) -> subprocess.Popen[bytes]:
        """Start a process with its words going to the console."""
        running = children.spawn(
            process.argv, output=subprocess.PIPE, env=self.environment, cwd=self.folder
        )
        assert running.stdout is not None
        self.console.follow(running.stdout, process.name)
        return running

    def tick(self) -> None:
        """Look once at everything: note deaths, start again what has waited long enough."""
        for name, (server, start) in list(self.servers.items()):
            if not server.alive():
                self.console.say(f"{name} ended ({server.process.returncode}); starting it again")
                self.servers[name] = (start(), start)
        for kept in self.kept:
            if kept.running is not None and kept.running.poll() is not None:
                self.bury(kept, kept.running)
            if kept.running is None and self.clock() >= kept.restart_at:
                self.start(kept)

    def start(self, kept: Kept) -> None:
        """Start a kept process now."""
        kept.running = self.spawn(kept.process)
        kept.started_at = self.clock()

    def bury(self, kept: Kept, dead: subprocess.Popen[bytes]) -> None:
        """Note a death: end what the dead process left behind, and set when to start again."""
        children.signal_group(dead, signal.SIGKILL)
        kept.deaths = 1 if self.clock() - kept.started_at > HEALTHY_AFTER else kept.deaths + 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (kept.deaths - 1))
        kept.running, kept.restart_at = None, self.clock() + pause
        self.console.say(
            f"{kept.process.name} ended ({how_it_ended(dead.returncode)}); again in {pause:g} s"
        )

    def stop(self, patience: float = PATIENCE) -> None:
        """End every process, then the servers they used."""
        running = [kept.running for kept in self.kept if kept.running]
        children.stop([*running, *self.once], patience=patience)
        for server, _ in self.servers.values():
            server.stop()


def how_it_ended(code: int) -> str:
    """Say an exit code in words: a negative one is a signal."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
