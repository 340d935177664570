"""One command brings up the whole cloud: servers, tables, every process of the Procfile.

The order is chosen for a person waiting: the three ports first, the workers once those answer,
the demo cloud (first start only) last, because it is built through the running SPF.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

from portal.embedded import ports, procfile, state
from portal.embedded.certificates import ensure_certificates
from portal.embedded.console import Console
from portal.embedded.errors import EmbeddedError
from portal.embedded.options import ROOT, Options
from portal.embedded.postgres import start_postgres
from portal.embedded.procfile import Process
from portal.embedded.supervisor import Supervisor
from portal.embedded.valkey import start_valkey

ANSWER_WITHIN = 30.0
LOOK_EVERY = 0.2
_asked_to_end = threading.Event()


class Interrupted(BaseException):
    """Somebody asked us to end."""


def main(root: Path = ROOT) -> int:
    """Run until told to end; data stay in the state folder."""
    began = time.monotonic()
    console = Console()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    os.umask(0o077)
    try:
        options = Options.read(os.environ, root)
        with state.held(options.state_dir):
            ports.require_free(options.bind, options.ports)
            run(options, console, began)
    except EmbeddedError as error:
        console.plain(f"\n{error}")
        return 1
    except Interrupted:
        return 0
    return 0


def interrupt(number: int, frame: FrameType | None) -> None:
    """Turn a signal into an exception of the main thread, and remember it.

    Python drops an exception that is raised inside its own fork hooks; `heed` raises it again.
    """
    _asked_to_end.set()
    raise Interrupted


def heed() -> None:
    """Raise Interrupted if a signal came whose exception was lost; waiting loops call this."""
    if _asked_to_end.is_set():
        raise Interrupted


def run(options: Options, console: Console, began: float) -> None:
    """Bring everything up, keep it up, and take it down again whatever happens."""
    launcher = Launcher(options, console)
    try:
        launcher.start_servers()
        launcher.prepare()
        launcher.start_sites()
        launcher.greet(time.monotonic() - began)
        launcher.start_workers()
        launcher.build_demo()
        while True:
            heed()
            launcher.supervisor.tick()
            time.sleep(LOOK_EVERY)
    finally:
        launcher.stop()


class Launcher:
    """The steps of a start, each leaving what the next one needs."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self.console = console
        self.state_dir = options.state_dir
        self.supervisor = Supervisor(console, {}, options.root)
        self.demo_pending = self.state_dir / "demo.pending"
        self.demo_done = self.state_dir / "demo.done"

    def start_servers(self) -> None:
        """Start PostgreSQL and Valkey, unless others are named in the environment."""
        if self.options.database_url:
            # Somebody's real server: tables are always looked at, the demo only when asked for.
            self.stamp_tables().clear()
            wants_demo = self.options.demo is True and not self.demo_done.exists()
        else:
            database = start_postgres(self.state_dir)
            self.supervisor.keep_server(database, partial(start_postgres, self.state_dir))
            self.options = replace(self.options, database_url=database.url)
            if database.fresh:
                self.stamp_tables().clear()
            wants_demo = database.fresh and self.options.demo is not False
        if wants_demo:
            self.demo_pending.touch()
        if not self.options.redis_url:
            broker = start_valkey(self.state_dir)
            self.supervisor.keep_server(broker, partial(start_valkey, self.state_dir))
            self.options = replace(self.options, redis_url=broker.url)

    def prepare(self) -> None:
        """Keys, certificates, tables, static files: each only when needed."""
        state.ensure_secret_key(self.state_dir)
        ensure_certificates(self.state_dir)
        (self.state_dir / "mail").mkdir(mode=0o700, exist_ok=True)
        self.supervisor.environment = self.options.for_processes(os.environ)
        steps = [
            (
                self.stamp_tables(),
                manage("migrate", "migrate --noinput --skip-checks --verbosity 0"),
            ),
            (self.stamp_static(), manage("static", "collectstatic --noinput --verbosity 0")),
        ]
        due = [(stamp, process) for stamp, process in steps if not stamp.fresh()]
        running = [(stamp, process, self.supervisor.run(process)) for stamp, process in due]
        for stamp, process, child in running:
            if child.wait() != 0:
                raise EmbeddedError(f"The step “{process.name}” failed; its words are above.")
            stamp.set()

    def start_sites(self) -> None:
        """Start what people wait for, and wait until it answers."""
        for process in procfile.read(self.options.root / "Procfile"):
            if process.name in self.options.ports:
                self.supervisor.keep(process)
        self.wait_for_ports()

    def start_workers(self) -> None:
        """Start the rest."""
        for process in procfile.read(self.options.root / "Procfile"):
            if process.name not in self.options.ports:
                self.supervisor.keep(process)

    def wait_for_ports(self) -> None:
        """Return once every port answers; say which does not, and go on."""
        deadline = time.monotonic() + ANSWER_WITHIN
        silent = dict(self.options.ports)
        while silent and time.monotonic() < deadline:
            heed()
            for name, port in list(silent.items()):
                authority = self.state_dir / "tls" / "ca.pem" if name == "spf" else None
                if ports.answers(self.options.host, port, authority):
                    del silent[name]
            self.supervisor.tick()
            time.sleep(0.03)
        for name, port in silent.items():
            self.console.say(f"{name} does not answer on port {port}; its words are above")

    def greet(self, seconds: float) -> None:
        """Say where to go."""
        self.console.plain(
            f"\nKatal is up ({seconds:.1f} s).\n\n"
            f"  Tenant site   {self.options.url('tenant')}\n"
            f"  Admin site    {self.options.url('admin')}\n"
            f"  SPF           {self.options.url('spf')}"
            f"  (certificate authority: {shown(self.state_dir / 'tls' / 'ca.pem')})\n\n"
            f"Ctrl-C ends everything; data stay in {shown(self.state_dir)}.\n"
        )
        if not self.builds_demo():
            self.welcome()

    def build_demo(self) -> None:
        """Build the demo cloud on a first start, through the running sites and SPF."""
        if not self.builds_demo():
            return
        self.console.say("building the demo cloud …")
        child = self.supervisor.run(manage("demo", "demo"))
        while child.poll() is None:
            heed()
            self.supervisor.tick()
            time.sleep(LOOK_EVERY)
        if child.returncode == 0:
            self.demo_pending.unlink()
            self.demo_done.touch()
            self.welcome()
        else:
            self.console.say("the demo cloud is unfinished; the next start tries again")

    def builds_demo(self) -> bool:
        """Whether this start is the one that builds the demo cloud."""
        return self.demo_pending.exists() and self.has_command("demo")

    def welcome(self) -> None:
        """Print the demo's sign-ins, or the one-time code for the set-up page."""
        text = self.state_dir / "welcome.txt"
        if text.exists():
            self.console.plain(text.read_text())
        elif self.has_command("setup_code"):
            done = subprocess.run(
                manage("setup", "setup_code").argv,
                capture_output=True,
                text=True,
                check=False,
                env=dict(self.supervisor.environment),
                cwd=self.options.root,
            )
            self.console.plain(done.stdout or done.stderr)

    def stop(self) -> None:
        """End everything in order; a second signal ends the processes at once."""
        self.console.plain("\nEnding …")
        try:
            self.supervisor.stop()
        except Interrupted:
            self.supervisor.stop(patience=0)
        self.console.plain(f"Katal has ended; data are in {shown(self.state_dir)}.")

    def stamp_tables(self) -> state.Stamp:
        """What decides whether tables have to be changed."""
        migrations = [
            path
            for depth in ("*", "*/*")
            for path in self.options.root.glob(f"{depth}/migrations/*.py")
        ]
        return state.Stamp(self.state_dir, "tables", [self.options.root / "uv.lock", *migrations])

    def stamp_static(self) -> state.Stamp:
        """What decides whether static files have to be collected."""
        ours = (path for path in (self.options.root / "static").rglob("*") if path.is_file())
        return state.Stamp(self.state_dir, "static", [self.options.root / "uv.lock", *ours])

    def has_command(self, name: str) -> bool:
        """Whether one of our apps brings this management command."""
        return any(
            any(self.options.root.glob(f"{depth}/management/commands/{name}.py"))
            for depth in ("*", "*/*")
        )


def manage(name: str, command: str) -> Process:
    """Return a management command as a process."""
    return Process(name, f"{shlex.quote(sys.executable)} manage.py {command}")


def shown(path: Path) -> str:
    """Return a path as short as it can be said."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
