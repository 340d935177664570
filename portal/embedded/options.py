"""What the environment says to the launcher, and what the launcher says to the processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.errors import EmbeddedError

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = {"admin": 30091, "tenant": 30081, "spf": 8090}
ANYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True)
class Options:
    """The launcher's own choices, read once."""

    state_dir: Path
    ports: Mapping[str, int]
    bind: str
    demo: bool | None  # None: nobody said
    database_url: str
    redis_url: str
    root: Path = ROOT

    @classmethod
    def read(cls, environ: Mapping[str, str], root: Path = ROOT) -> Options:
        """Read the environment; a malformed value names itself."""
        return cls(
            state_dir=Path(environ.get("KATAL_STATE_DIR") or root / "var").resolve(),
            ports={name: port(environ, name, default) for name, default in PORTS.items()},
            bind=environ.get("KATAL_BIND") or "127.0.0.1",
            demo={"": None, "0": False}.get(environ.get("DEMO", ""), True),
            database_url=environ.get("DATABASE_URL", ""),
            redis_url=environ.get("REDIS_URL", ""),
            root=root,
        )

    @property
    def host(self) -> str:
        """Where the ports answer, seen from this machine."""
        return "127.0.0.1" if self.bind in ANYWHERE else self.bind

    def url(self, name: str) -> str:
        """The address of a site as a person on this machine types it."""
        host = "localhost" if self.host == "127.0.0.1" else self.host
        return f"{'https' if name == 'spf' else 'http'}://{host}:{self.ports[name]}"

    def for_processes(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the processes' environment; whatever was set from outside wins."""
        defaults = {
            "KATAL_BIND": self.bind,
            "KATAL_HTTPS": "0",  # the sites speak plain HTTP, to this machine alone
            "KATAL_ADMIN_URL": self.url("admin"),
            "KATAL_TENANT_URL": self.url("tenant"),
        }
        if "KATAL_SECRET_KEY" not in environ:
            defaults["KATAL_SECRET_KEY_FILE"] = str(self.state_dir / "secret_key")
        if "KATAL_SMTP_HOST" not in environ:
            defaults["KATAL_MAIL_DIR"] = str(self.state_dir / "mail")
        kept = {name: value for name, value in environ.items() if not name.startswith("MAKE")}
        fixed = {f"KATAL_{name.upper()}_PORT": str(number) for name, number in self.ports.items()}
        fixed |= {
            "KATAL_STATE_DIR": str(self.state_dir),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            # Celery warns of root at every start; here root is a choice the person made.
            "PYTHONWARNINGS": "ignore:::celery.platforms",
        }
        return defaults | kept | fixed


def port(environ: Mapping[str, str], name: str, default: int) -> int:
    """Return a port number from KATAL_<NAME>_PORT."""
    variable = f"KATAL_{name.upper()}_PORT"
    text = environ.get(variable) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise EmbeddedError(f"{variable} is {text!r}; it takes a port number.")
    return int(text)
