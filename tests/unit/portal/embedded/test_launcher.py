"""The whole launcher on a tiny project: three small servers, one demo, one signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.stack import free_port

ROOT = Path(__file__).resolve().parent.parent.parent.parent.parent

pytestmark = pytest.mark.slow

MANAGE = """
import os, pathlib, sys
state = pathlib.Path(os.environ["KATAL_STATE_DIR"])
with (state / "commands").open("a") as log:
    log.write(sys.argv[1] + "\\n")
if sys.argv[1] == "demo":
    (state / "welcome.txt").write_text("Sign in as olga.\\n")
if sys.argv[1] == "setup_code":
    print("Your set-up code: 1234")
"""

SPF = """
import http.server, os, ssl
state = os.environ["KATAL_STATE_DIR"]
server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", int(os.environ["KATAL_SPF_PORT"])), http.server.SimpleHTTPRequestHandler
)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(state + "/tls/spf.pem", state + "/tls/spf.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with what the launcher needs, and commands that only take notes."""
    commands = tmp_path / "portal" / "management" / "commands"
    commands.mkdir(parents=True)
    for name in ("demo.py", "setup_code.py"):
        (commands / name).touch()
    (tmp_path / "uv.lock").touch()
    (tmp_path / "manage.py").write_text(textwrap.dedent(MANAGE))
    (tmp_path / "spf.py").write_text(textwrap.dedent(SPF))
    (tmp_path / "Procfile").write_text(
        "admin: python -m http.server --bind $KATAL_BIND $KATAL_ADMIN_PORT\n"
        "tenant: python -m http.server --bind $KATAL_BIND $KATAL_TENANT_PORT\n"
        "spf: python spf.py\n"
        "worker: sh -c 'echo $DATABASE_URL > $KATAL_STATE_DIR/told; sleep 60'\n"
    )
    return tmp_path


@pytest.fixture
def environment() -> Mapping[str, str]:
    """Free ports, and nothing of the test run's own servers."""
    numbers = [str(free_port()) for _ in range(3)]
    ours = ("KATAL_", "DATABASE_URL", "REDIS_URL", "DEMO")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    names = ("KATAL_ADMIN_PORT", "KATAL_TENANT_PORT", "KATAL_SPF_PORT")
    return {**kept, **dict(zip(names, numbers, strict=True)), "PYTHONPATH": str(ROOT)}


def launch(project: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    program = (
        "import sys; from pathlib import Path; from portal.embedded.launcher import main; "
        "sys.exit(main(Path(sys.argv[1])))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=project,
    )


def said_until(launcher: subprocess.Popen[str], words: str) -> Iterator[str]:
    assert launcher.stdout is not None
    for line in launcher.stdout:
        yield line
        if words in line:
            return


def end(launcher: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> str:
    launcher.send_signal(number)
    rest, _ = launcher.communicate(timeout=60)
    return rest


def test_first_start_builds_the_demo_and_the_next_one_only_starts(
    project: Path, environment: Mapping[str, str]
) -> None:
    launcher = launch(project, environment)
    words = "".join(said_until(launcher, "Sign in as olga."))
    assert "Katal is up" in words
    assert f"http://localhost:{environment['KATAL_TENANT_PORT']}" in words
    assert "data are in var" in end(launcher)
    assert launcher.returncode == 0
    assert commands(project) == {"migrate", "collectstatic", "demo"}
    assert (project / "var" / "told").read_text().startswith("postgresql://katal@/katal?host=")

    (project / "var" / "commands").unlink()
    launcher = launch(project, environment)
    "".join(said_until(launcher, "Sign in as olga."))
    end(launcher, signal.SIGTERM)
    assert not (project / "var" / "commands").exists(), "nothing is done twice"


def test_an_empty_start_shows_the_set_up_code(
    project: Path, environment: Mapping[str, str]
) -> None:
    launcher = launch(project, {**environment, "DEMO": "0"})
    words = "".join(said_until(launcher, "set-up code"))
    assert "1234" in words
    second = launch(project, environment)
    assert "already runs" in second.communicate(timeout=60)[0]
    assert second.returncode == 1
    end(launcher)
    assert "demo" not in commands(project)


def commands(project: Path) -> set[str]:
    return set((project / "var" / "commands").read_text().split())
