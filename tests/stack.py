"""The whole cloud as real processes, for tests that kill them, browse them or measure them.

Everything runs from the Procfile, on a state folder and ports of its own, with hosts that take no
time unless told otherwise. Sites, SPF over HTTPS, workers, beat: nothing is faked. In a test run
the empty tables and the static files are made once, and every cloud begins with a copy.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from portal.embedded import Server, children, procfile, start_postgres, start_valkey
from portal.embedded.certificates import ensure_certificates
from portal.embedded.ports import answers
from tests import embedded

ROOT = Path(__file__).resolve().parent.parent
SITES = ("admin", "tenant", "spf")
ALL = (*SITES, "worker", "vmm", "beat")
PREPARED = ("postgres", "static")
_held: list[socket.socket] = []
_SETTINGS = re.compile(r"(?<=\bDJANGO_SETTINGS_MODULE=)\S+")


class Stack:
    """Start, kill and count the processes of one cloud.

    `settings` names other settings than the Procfile's for some processes; `prepared` is a folder
    of a cloud that has ended, whose tables and static files this one begins with.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        prepared: Path | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.is_prepared = prepared is not None
        if prepared is not None:
            for name in PREPARED:
                shutil.copytree(prepared / name, folder / name)
        self.ports = {name: free_port() for name in SITES}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands = {p.name: p.argv for p in procfile.read(ROOT / "Procfile")}
        for name, module in (settings or {}).items():
            *shell, command = self.commands[name]
            self.commands[name] = [*shell, _SETTINGS.sub(module, command)]
        self.postgres: Server = start_postgres(folder, durable=False)
        self.valkey: Server | None = start_valkey(folder, durable=False)
        ensure_certificates(folder)
        self.env = os.environ | {
            "KATAL_STATE_DIR": str(folder),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "KATAL_SECRET_KEY": "only-for-tests-" + "y" * 50,
            "KATAL_HTTPS": "0",
            "KATAL_SIM_SCALE": "0",
            "KATAL_MAIL_DIR": str(folder / "mail"),
            "KATAL_JOB_NUDGE_GRACE": "2",
            "KATAL_LOG_LEVEL": "WARNING",
            "KATAL_ADMIN_URL": self.url("admin"),
            "KATAL_TENANT_URL": self.url("tenant"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONWARNINGS": "ignore",
            **{f"KATAL_{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
            **(env or {}),
        }
        self.env.pop("DJANGO_SETTINGS_MODULE", None)
        self.env.pop("KATAL_VAULT_KEY_FILE", None)
        (folder / "mail").mkdir(exist_ok=True)

    def url(self, site: str) -> str:
        """Return where a site answers."""
        return f"{'https' if site == 'spf' else 'http'}://localhost:{self.ports[site]}"

    @property
    def authority(self) -> Path:
        return self.folder / "tls" / "ca.pem"

    def manage(self, *command: str, settings: str = "portal.settings.worker") -> str:
        """Run a management command to its end; return what it printed."""
        return self.run("manage.py", *command, settings=settings)

    def run(
        self,
        *command: str,
        settings: str = "portal.settings.worker",
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run Python in the cloud's environment to its end; return what it printed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.env | {"DJANGO_SETTINGS_MODULE": settings, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:2])}: {done.stderr[-3000:]}")
        return done.stdout

    def prepare(self) -> None:
        """Make the tables and the static files where they are not there yet."""
        if self.is_prepared:
            return
        self.manage("migrate", "--noinput", "--verbosity", "0")
        self.manage("collectstatic", "--noinput", "--verbosity", "0")

    def start(self, *names: str, env: Mapping[str, str] | None = None) -> None:
        """Start processes of the Procfile; sites are awaited."""
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.running[name] = children.spawn(
                    self.commands[name], cwd=ROOT, env=self.env | dict(env or {}), output=log
                )
        self.await_sites(name for name in names if name in SITES)

    def await_sites(self, names: Iterable[str], within: float = 240) -> None:
        """Return once these sites answer."""
        deadline = time.monotonic() + within
        for name in names:
            authority = self.authority if name == "spf" else None
            while not answers("127.0.0.1", self.ports[name], authority):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{name} does not answer: {self.log(name)[-2000:]}")
                time.sleep(0.05)

    def log(self, name: str) -> str:
        """Return what a process said."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a process and its children with a signal, at once."""
        process = self.running.pop(name, None)
        if process is None:
            return
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def stop_valkey(self) -> None:
        """Take the broker away, with all messages in it."""
        if self.valkey:
            self.valkey.stop()
        self.valkey = None

    def start_valkey(self) -> None:
        """Bring an empty broker back at the same address."""
        self.valkey = start_valkey(self.folder, durable=False)

    def stop_postgres(self) -> None:
        """Take the database away; whoever is connected is cut off."""
        self.postgres.stop()

    def start_postgres(self) -> None:
        """Bring the database back at the same address."""
        self.postgres = start_postgres(self.folder, durable=False)

    def stop(self) -> None:
        """End everything."""
        for name in list(self.running):
            self.kill(name, signal.SIGTERM)
        if self.valkey:
            self.valkey.stop()
        self.postgres.stop()

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time each process and its children have used so far."""
        roots = {name: process.pid for name, process in self.running.items()}
        roots["postgres"] = self.postgres.process.pid
        if self.valkey:
            roots["valkey"] = self.valkey.process.pid
        times, parents = process_table()
        return {
            name: sum(times.get(pid, 0.0) for pid in family(root, parents))
            for name, root in roots.items()
        }


@contextmanager
def stack(
    folder: Path,
    env: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Yield a prepared cloud without processes; everything ends with the block."""
    in_a_run = embedded.RUN_DIR in os.environ
    prepared = embedded.made_once("prepared", prepare) if in_a_run else None
    cloud = Stack(folder, env, settings, prepared)
    try:
        cloud.prepare()
        yield cloud
    finally:
        cloud.stop()


def prepare(folder: Path) -> None:
    """Make what all clouds of a run begin with."""
    cloud = Stack(folder)
    try:
        cloud.prepare()
    finally:
        cloud.stop()


def free_port() -> int:
    """Return a port that is this process's: a cloud beside it is given others, whenever it starts.

    It is none of those the system gives to whoever connects: one could be taken before a site
    listens, or while it is killed.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(10_000, max(lowest, 20_000)), 1_000):
        # Seen by all processes of this machine, and gone with the one that holds it.
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0katal-test-port-{port}")
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", port))
        except OSError:
            held.close()
        else:
            _held.append(held)
            return port
    raise RuntimeError("no port is free")


def process_table() -> tuple[dict[int, float], dict[int, int]]:
    """Return CPU seconds (with reaped children) and parent of every process, from /proc."""
    tick = os.sysconf("SC_CLK_TCK")
    times, parents = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            times[int(entry.name)] = sum(int(fields[i]) for i in (11, 12, 13, 14)) / tick
    return times, parents


def family(root: int, parents: Mapping[int, int]) -> set[int]:
    """Return a process and everything below it."""
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more
