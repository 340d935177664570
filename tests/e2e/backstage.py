"""What no page shows: the far side's rows, the mails, and every place where a secret could lie."""

from __future__ import annotations

import email
import os
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg

from tests.stack import Stack

# The cloud *Gold* of the demo, a cloud without a network, and an account that VMM does not know.
FILL = """
from django.core.management import call_command
from fabric.vmm.actions import clouds
from portal import demo

gold = demo.fill_vmm()
groups = gold.host_groups.all()
clouds.add(demo.CALLER, gold.server, name="Bare", host_groups=groups, description="No network")
call_command("spf_account", "portal", "--no-vmm-rights")
call_command("setup_code")
"""
SECRET_IN_ACCOUNT = re.compile(r"Password, shown only now: (\S+)")
LINK = re.compile(r"https?://\S+(?=\s)")
CODE = re.compile(r"\b[0-9a-f]{6}(?:-[0-9a-f]{6}){3}\b")


def fill(stack: Stack) -> tuple[str, str]:
    """Fill VMM; return the password of the SPF account *portal*, and the set-up code."""
    told = stack.manage("shell", "--verbosity", "0", "--command", FILL)
    password, code = SECRET_IN_ACCOUNT.search(told), CODE.search(told)
    assert password, "the account's password is printed"
    assert code, "the set-up code is printed"
    return password.group(1), code.group()


def grant_rights(stack: Stack) -> None:
    """Make the SPF account *portal* an administrator of VMM."""
    stack.manage("spf_account", "portal", "--change", "--vmm-administrator")


def rows(stack: Stack, query: str) -> list[tuple]:
    """Return what the database holds."""
    with psycopg.connect(stack.postgres.url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def number(stack: Stack, query: str) -> int:
    return int(rows(stack, query)[0][0])


def steps_in_vmm(stack: Stack) -> set[str]:
    """Return the titles of all steps VMM's own jobs have."""
    jobs = rows(stack, "SELECT steps FROM vmm_job")
    return {step["title"] for (steps,) in jobs for step in steps}


def link_in_mail(stack: Stack, to: str, within: float = 90) -> str:
    """Return the link in the last mail to somebody."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        for path in sorted((stack.folder / "mail").glob("*.log"), reverse=True):
            mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
            # A mail that is just being written has no link yet.
            if to in str(mail["To"]) and (found := LINK.search(mail.get_content())):
                return found.group()
        time.sleep(0.1)
    raise AssertionError(f"no mail with a link to {to}")


def hiding_places(stack: Stack, secret: str) -> list[str]:
    """Return where a secret lies in the clear: tables, logs, mails, any file of the cloud."""
    found = []
    needle = secret.encode()
    with psycopg.connect(stack.postgres.url) as connection:
        tables = connection.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:  # type: ignore[arg-type]
                whole = b"".join(bytes(part) for part in copy)
            if needle in whole:
                found.append(f"table {table}")
    for path in files(stack.folder):
        # The cloud is at work: what it keeps for a moment may be gone by now.
        with suppress(FileNotFoundError):
            if needle in path.read_bytes():
                found.append(str(path.relative_to(stack.folder)))
    return found


def files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if path.is_file() and not path.is_symlink():
                yield path


@contextmanager
def something_else(stack: Stack) -> Iterator[str]:
    """Yield the address of an HTTPS server that is trusted, and no SPF."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>Printer</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(stack.folder / "tls" / "spf.pem", stack.folder / "tls" / "spf.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_address[1]}"
        server.shutdown()
