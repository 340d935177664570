"""What every test may rely on: no outside network, and a browser where there is one."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from hypothesis import HealthCheck, settings

from tests import embedded
from tests.faults import table
from tests.people import alice, alices, bob, charlie, dora, olga, vault  # noqa: F401

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# These start clouds of real processes, each for all tests of its group; more than two at once would
# only measure each other.
CLOUDS = ("tests/faults/test_changes.py", "tests/faults/", "tests/e2e/tenant/", "tests/e2e/")
CLOUDS_AT_ONCE = 2
ONE_SPF = "tests/contract/clients/"
NO_CHROMIUM = "no Chromium on this machine"
NO_MONO = "no Mono"
CHROMIUM_FLAGS = ("--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none")


# The same examples in every run, however busy the machine: `--hypothesis-profile=search` looks for
# new ones.
PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("search", **PATIENT)
settings.register_profile("same", **PATIENT, derandomize=True, database=None, max_examples=60)
settings.load_profile("same")


def find_chromium() -> str | None:
    """Return the path of a Chromium: $KATAL_CHROMIUM, else one on the PATH."""
    named = os.environ.get("KATAL_CHROMIUM")
    if named:
        return named
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser on a machine without one."""
    if find_chromium():
        return
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker whole files. Two begin with the clouds, a group of files on each; those wait
    most of the time, so a worker more than there are processors pays."""
    from xdist.scheduler import LoadFileScheduling

    class TwoCloudsAtATime(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((each for each in (*CLOUDS, ONE_SPF) if file.startswith(each)), file)

        def _assign_work_unit(self, node: Any) -> None:
            is_late = list(self.nodes).index(node) >= CLOUDS_AT_ONCE
            for cloud in CLOUDS if is_late else reversed(CLOUDS):
                if cloud in self.workqueue:
                    self.workqueue.move_to_end(cloud, last=is_late)
            super()._assign_work_unit(node)

    return TwoCloudsAtATime(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what came of the faults, and what was not tried."""
    table.show(terminalreporter)
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NO_CHROMIUM in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(
            "browser tests skipped: no Chromium (install one, or name it in KATAL_CHROMIUM)",
            yellow=True,
        )
    if any(NO_MONO in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(
            ".NET client tests skipped: no Mono (install mono-mcs and"
            " libmono-system-data-services-client4.0-cil)",
            yellow=True,
        )


@pytest.fixture(scope="session", autouse=True)
def _no_outside_network() -> Iterator[None]:
    """Refuse connections that leave this machine: a test that needs one is wrong."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        inet = self.family in (socket.AF_INET, socket.AF_INET6)
        if inet and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise PermissionError(f"tests stay on this machine; {address[0]} is not on it")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, django_db_blocker) -> None:
    """Have every worker's database copied from one whose tables were made once for all."""

    def migrate(_folder: Path) -> None:
        with django_db_blocker.unblock():
            call_command("migrate", interactive=False, verbosity=0)
            connection.close()

    template = os.environ.get(embedded.TABLES)
    if template:
        embedded.made_once("tables", migrate)
        connection.settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a running Chromium; open pages with `browser.new_context().new_page()`."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    # Playwright keeps an event loop in this thread, which Django takes for an async caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()
        # Its loop gave the tests after this one a connection that nobody else would close.
        connections.close_all()
