"""The client on the wire: TLS with every wrong certificate, and our SPF as a real process."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fabric.providers.abilities import ALL
from fabric.providers.base import MachineOrder, OrderedAdapter, TenantOrder
from fabric.providers.errors import (
    BrokenAnswer,
    CertificateFault,
    Forbidden,
    Rejected,
    Unauthorized,
    Unreachable,
)
from fabric.providers.spf import SPFProvider
from portal.embedded import certificates
from tests.stack import Stack, stack

pytestmark = [
    pytest.mark.slow,
    # The processes' log files are left to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

NOW = datetime.datetime.now(datetime.UTC)
SEED = """
from fabric.spf.actions import register_vmm_server
from tests.factories.vmm import make_fabric
made = make_fabric()
print(register_vmm_server(made.server.name).pk, made.cloud.pk, made.template.pk, made.network.pk)
"""


class Page(BaseHTTPRequestHandler):
    """Some web server that is no SPF; remembers from where it was called."""

    protocol_version = "HTTP/1.1"
    callers: list[int]

    def do_GET(self) -> None:
        self.callers.append(self.client_address[1])
        if "Admin" in self.path:
            self._answer("application/json", b'{"value": []}')
        else:
            self._answer("text/html", b"<html><body>It works!</body></html>")

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that turns away at the handshake is what these tests are about."""


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that serves pages, over TLS with the certificate in a folder if given."""
    running: list[QuietServer] = []

    def start(tls: Path | None = None, handler: type[BaseHTTPRequestHandler] = Page) -> str:
        Page.callers = []
        server = QuietServer(("127.0.0.1", 0), handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "spf.pem", tls / "spf.key")
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        running.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"https://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tls(tmp_path) -> Path:
    return certificates.ensure_certificates(tmp_path)


@pytest.fixture
def call() -> Iterator[Callable[..., SPFProvider]]:
    made: list[SPFProvider] = []

    def make(url: str, tls: Path | None = None, **options) -> SPFProvider:
        authority = (tls / "ca.pem").read_text() if tls else ""
        made.append(SPFProvider(url, "portal", "secret", authority_pem=authority, **options))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


def test_an_authority_the_system_does_not_know_is_not_trusted(serve, tls, call):
    url = serve(tls)
    with pytest.raises(CertificateFault, match="authority that is not known here"):
        call(url).stamps()
    assert call(url, tls).stamps() == ()


def test_another_authority_of_the_same_name_is_not_trusted(serve, tls, call, tmp_path):
    other = certificates.ensure_certificates(tmp_path / "other")
    with pytest.raises(CertificateFault):
        call(serve(tls), other).stamps()


def test_the_servers_own_certificate_may_be_named(serve, tls, call):
    (tls / "ca.pem").write_bytes((tls / "spf.pem").read_bytes())
    assert call(serve(tls), tls).stamps() == ()


def test_a_certificate_for_another_name_is_not_trusted(serve, tls, call, monkeypatch):
    monkeypatch.setattr(certificates, "names_here", lambda: set())
    monkeypatch.setattr(
        certificates, "general_names", lambda: [certificates.x509.DNSName("elsewhere.example")]
    )
    certificates.make_leaf(tls, certificates.load(tls / "ca.pem"), NOW)
    with pytest.raises(CertificateFault, match="made for another name"):
        call(serve(tls), tls).stamps()


@pytest.mark.parametrize(("years", "words"), [(-2, "has expired"), (2, "not valid yet")])
def test_a_certificate_out_of_its_time_is_not_trusted(serve, tls, call, years, words):
    made_at = NOW + datetime.timedelta(days=365 * years)
    certificates.make_leaf(tls, certificates.load(tls / "ca.pem"), made_at)
    with pytest.raises(CertificateFault, match=words):
        call(serve(tls), tls).stamps()


def test_a_port_that_speaks_no_tls(serve, call):
    with pytest.raises(BrokenAnswer, match="not over HTTPS"):
        call(serve()).stamps()


def test_a_web_server_that_is_no_spf(serve, tls, call):
    with pytest.raises(BrokenAnswer, match="is no Service Provider Foundation"):
        call(serve(tls), tls).check()


def test_nobody_there(call):
    # Held, so that nobody else can come to listen there meanwhile.
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port} cannot be reached: it refuses"):
            call(f"https://127.0.0.1:{port}").stamps()


def test_somebody_who_says_nothing(call):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable):
            call(url, timeout=0.2).stamps()


def test_an_answer_that_does_not_come(serve, tls, call):
    asked = threading.Event()

    class Sleeper(Page):
        def do_GET(self) -> None:
            asked.wait(60)

    # Long enough for the handshake, which has its own words when it is too slow.
    with pytest.raises(Unreachable, match="did not answer within 1 seconds"):
        call(serve(tls, Sleeper), tls, timeout=1).stamps()
    asked.set()


def test_connections_are_used_again(serve, tls, call):
    provider = call(serve(tls), tls)
    for _ in range(5):
        provider.stamps()
    assert len(set(Page.callers)) == 1


class Real:
    """Our SPF as a process, with a VMM that has one cloud."""

    def __init__(self, cloud: Stack) -> None:
        self.cloud = cloud
        self.stamp, self.machines_cloud, self.template, self.network = (
            uuid.UUID(found) for found in cloud.manage("shell", "-v", "0", "-c", SEED).split()
        )

    def account(self, name: str, *options: str) -> SPFProvider:
        """Make an account; return a client that uses it."""
        said = self.cloud.manage("spf_account", name, *options)
        found = re.search(r"Password, shown only now: (\S+)", said)
        assert found is not None
        return self.client(name, found[1])

    def client(self, name: str, password: str) -> SPFProvider:
        pem = self.cloud.authority.read_text()
        return SPFProvider(self.cloud.url("spf"), name, password, authority_pem=pem)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Iterator[Real]:
    with stack(tmp_path_factory.mktemp("cloud")) as cloud:
        found = Real(cloud)
        cloud.start("spf")
        yield found


@pytest.fixture(scope="module")
def portal(real) -> Iterator[SPFProvider]:
    client = real.account("portal")
    yield client
    client.close()


def test_a_real_spf_is_recognized(real, portal):
    assert portal.check() == ALL
    assert [stamp.id for stamp in portal.stamps()] == [real.stamp]
    found = portal.inventory(real.stamp)
    assert [cloud.id for cloud in found.clouds] == [real.machines_cloud]
    assert not found.lacks_rights


def test_a_tenant_and_a_machine_are_made_over_the_wire(real, portal):
    tenant = TenantOrder(
        id=uuid.uuid4(),
        name="Jürgen & Söhne",
        people=("jürgen@example.net",),
        stamp_id=real.stamp,
        cloud_id=real.machines_cloud,
        limits={"machines": 30},
        permissions=("Create", "Start"),
        resources=(("VMTemplate", real.template), ("VMNetwork", real.network)),
    )
    portal.ensure_tenant(tenant)
    order = MachineOrder(
        tag="tag-1",
        name="web-01",
        description="für alle",
        stamp_id=real.stamp,
        cloud_id=real.machines_cloud,
        template_id=real.template,
        adapters=(OrderedAdapter("front"),),
        cores=1,
        memory_mb=1024,
        admin_user="",
        password="",
    )
    asked = {"tenant": tenant.id, "person": "jürgen@example.net"}
    with ThreadPoolExecutor(6) as pool:
        tries = [
            pool.submit(portal.ensure_machine, order, first_try=True, **asked) for _ in range(6)
        ]
    assert len({each.result() for each in tries}) == 1
    made = tries[0].result()
    found = portal.find_machine("tag-1", "web-01", stamp_id=real.stamp, **asked)
    assert (found.id, found.status) == (made.object_id, "UnderCreation")
    (job,) = portal.jobs(real.stamp, [made.job_id])
    assert not job.completed
    (devices,) = portal.devices(real.stamp, [made.object_id])
    assert [disk.is_boot for disk in devices.disks] == [True]
    assert [adapter.network_id for adapter in devices.adapters] == [real.network]


def test_a_wrong_password(real):
    client = real.client("portal", "wrong")
    with pytest.raises(Unauthorized, match="user name or the password"):
        client.check()
    client.close()


def test_an_account_without_rights_in_vmm(real):
    client = real.account("weak", "--no-vmm-rights")
    assert client.inventory(real.stamp).lacks_rights
    client.close()


def test_an_account_in_one_group_only(real):
    client = real.account("halfway", "--group", "SPF_VMM")
    with pytest.raises(Forbidden, match="SPF_Admin"):
        client.check()
    client.close()


def test_a_vmm_server_that_does_not_exist_leaves_no_stamp(real, portal):
    with pytest.raises(Rejected, match="no VMM server named nowhere"):
        portal.ensure_stamp("nowhere.example.net")
    assert len(portal.stamps()) == 1


def test_a_process_killed_and_started_again_is_found_again(real, portal):
    portal.stamps()
    real.cloud.kill("spf")
    with pytest.raises(Unreachable):
        portal.stamps()
    real.cloud.start("spf")
    assert portal.stamps()
