"""One cloud of real processes for the whole journey, and people with browsers in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.journey import Journey
from tests.e2e.visitor import PATIENCE
from tests.stack import ALL, Stack, stack

# Hosts take a little over half of their usual time: long enough to watch a deployment.
TIME_SCALE = "0.6"
BROKEN = "broken_at"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield an empty installation, every process of it running."""
    folder = tmp_path_factory.mktemp("cloud")
    with stack(folder, {"KATAL_SIM_SCALE": TIME_SCALE, "KATAL_LOG_LEVEL": "INFO"}) as it:
        it.start(*ALL)
        yield it


@pytest.fixture(scope="module")
def journey(browser: Browser, cloud: Stack) -> Iterator[Journey]:
    expect.set_options(timeout=PATIENCE)
    it = Journey(browser, cloud)
    yield it
    for visitor in it.people.values():
        visitor.leave()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop a journey where it failed: nothing after that would mean anything."""
    broken_at = getattr(getattr(item, "cls", None), BROKEN, None)
    if broken_at:
        pytest.skip(f"the journey ended at {broken_at}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if report.failed and getattr(item, "cls", None):
        setattr(item.cls, BROKEN, item.name)
        journey = getattr(item, "funcargs", {}).get("journey")
        if journey:
            report.sections.append(("what the people saw", last_sights(journey)))
    return report


def last_sights(journey: Journey) -> str:
    """Return where everybody stands, with a picture of it."""
    lines = []
    for name, visitor in journey.people.items():
        picture = journey.cloud.folder / f"{name.replace(' ', '-')}.png"
        lines.append(f"{name}: {visitor.page.url} {visitor.troubles}")
        try:
            visitor.page.screenshot(path=Path(picture), full_page=True)
            lines.append(f"    {picture}")
            lines.append("    " + visitor.page.locator("main").inner_text()[:2000])
        except Exception as error:
            lines.append(f"    no picture: {error}")
    return "\n".join(lines)
