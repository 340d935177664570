"""Pages go on by themselves, in two browsers and over the death of the site, and then are still."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.machines import command, is_now, open_machine
from tests.e2e.tenant import town
from tests.e2e.visitor import Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SOON = 3_000  # milliseconds


@pytest.fixture(scope="module")
def elsewhere(browser: Browser, cloud: Stack) -> Iterator[Visitor]:
    """Yield alice's other browser."""
    visitor = Visitor(browser, cloud, "alice elsewhere")
    visitor.sign_in("tenant", town.ALICE, town.PASSWORD)
    yield visitor
    visitor.leave()


def asked_in(page: Page, seconds: int) -> list[str]:
    """Return what a page asks for while time is made to pass on it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(seconds * 1000)
    # Whatever a timer began has been sent once the page has answered this.
    page.evaluate("() => new Promise(requestAnimationFrame)")
    return asked


class TestTwoBrowsers:
    def test_both_see_a_change_within_three_seconds(
        self, alice: Visitor, elsewhere: Visitor
    ) -> None:
        elsewhere.open("tenant", "/machines/?q=kiosk")
        there = elsewhere.page.locator("tbody .state")
        open_machine(alice, "kiosk")
        for said, becomes in (("Pause", "Paused"), ("Resume", "Running")):
            command(alice, said)
            is_now(alice, becomes)
            expect(there).to_have_text(becomes, timeout=SOON)

    def test_a_renamed_machine_is_renamed_everywhere(
        self, alice: Visitor, elsewhere: Visitor
    ) -> None:
        alice.page.locator("#machine-tabs").get_by_role("link", name="Configure").click()
        alice.send("Save tags", tags="corner")
        expect(alice.field("tags")).to_have_value("corner")
        elsewhere.open("tenant", "/machines/?tag=corner")
        expect(elsewhere.page.locator("tbody a.name")).to_have_text(["kiosk"])
        alice.send("Save tags", tags="")
        expect(elsewhere.page.locator(".empty")).to_be_visible(timeout=SOON)
        assert elsewhere.troubles == []

    def test_a_part_that_could_not_be_fetched_is_fetched_again(
        self, alice: Visitor, elsewhere: Visitor
    ) -> None:
        elsewhere.open("tenant", "/machines/?q=kiosk")
        there = elsewhere.page.locator("tbody .state")
        open_machine(alice, "kiosk")
        lost: list[str] = []

        def lose(route: Route) -> None:
            lost.append(route.request.url)
            route.abort()

        elsewhere.page.route(lambda url: "/machines/" in url, lose)
        command(alice, "Pause")
        is_now(alice, "Paused")
        # The pulse has told the last change by then.
        elsewhere.page.wait_for_timeout(SOON)
        elsewhere.page.unroute_all()
        expect(there).to_have_text("Paused", timeout=3 * SOON)
        assert lost
        command(alice, "Resume")
        is_now(alice, "Running")
        elsewhere.troubles = [one for one in elsewhere.troubles if "ERR_FAILED" not in one]


class TestTheSiteDies:
    def test_an_open_job_page_goes_on_by_itself(self, alice: Visitor, cloud: Stack) -> None:
        open_machine(alice, "kiosk")
        # Nobody works in VMM for a while, so the job lasts as long as it has to.
        cloud.kill("vmm")
        command(alice, "Restart")
        alice.page.locator("#work").get_by_role("link", name="Job").click()
        expect(alice.page.locator("#work[data-live]")).to_be_visible()
        alice.page.evaluate("() => { window.since = 'before' }")
        with alice.page.expect_event("requestfailed"):
            cloud.kill("tenant")
        cloud.start("vmm", "tenant")
        expect(alice.page.get_by_role("heading", level=2, name="Done")).to_be_visible()
        assert alice.page.evaluate("() => window.since") == "before"
        # While there was no site the browser could not but complain.
        alice.troubles = [one for one in alice.troubles if "ERR_CONNECTION_REFUSED" not in one]

    def test_then_it_asks_nothing_more(self, alice: Visitor) -> None:
        page = alice.context.new_page()
        page.clock.install(time=time.time())
        page.goto(alice.page.url)
        expect(page.locator("h1")).to_have_text("Restart kiosk")
        assert asked_in(page, 60) == []
        page.goto(alice.stack.url("tenant") + "/machines/")
        expect(page.locator("#machine-list")).to_be_visible()
        assert any("/pulse/" in url for url in asked_in(page, 10)), "time does pass"
        page.close()
