"""Pages go on by themselves, in two browsers and over the death of the site, and then are still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.e2e.machines import command, is_now, open_machine, tab
from tests.e2e.tenant import town
from tests.e2e.visitor import PATIENCE, Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# A page asks every two seconds, and draws its parts anew after the first pulse that tells of a
# change. One pulse may be under way by then, and one overtake what the database tells. The seconds
# are the page's own, however slow the machine.
SOON = 3  # seconds
PULSES = 3
AFTER_A_DEATH = 3 * PATIENCE  # pages wait up to half a minute before they ask a dead site again


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


@contextmanager
def soon(visitor: Visitor) -> Iterator[None]:
    """Hold a page to a change it must have seen by the end: it asks for it after a few pulses."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    visitor.page.on("request", note)
    yield
    visitor.page.remove_listener("request", note)
    pulses = list(takewhile(lambda url: "/pulse/" in url, asked))
    assert len(pulses) <= PULSES, asked


class TestTwoBrowsers:
    def test_both_see_a_change_as_soon_as_they_ask(
        self, alice: Visitor, elsewhere: Visitor
    ) -> None:
        elsewhere.open("tenant", "/machines/?q=kiosk")
        there = elsewhere.page.locator("tbody .state")
        open_machine(alice, "kiosk")
        for said, becomes in (("Pause", "Paused"), ("Resume", "Running")):
            command(alice, said)
            is_now(alice, becomes)
            with soon(elsewhere):
                expect(there).to_have_text(becomes)

    def test_a_menu_that_is_open_stays_open_and_has_the_focus(
        self, alice: Visitor, elsewhere: Visitor
    ) -> None:
        open_machine(alice, "kiosk")
        open_machine(elsewhere, "kiosk")
        menu = elsewhere.page.locator("#machine-commands details")
        menu.locator("summary").click()
        command(alice, "Pause")
        is_now(elsewhere, "Paused")
        expect(menu).to_have_attribute("open", "")
        expect(menu.locator("summary")).to_be_focused()
        command(alice, "Resume")
        is_now(alice, "Running")

    def test_a_renamed_machine_is_renamed_everywhere(
        self, alice: Visitor, elsewhere: Visitor
    ) -> None:
        tab(alice, "Configure")
        alice.send("Save tags", tags="corner")
        expect(alice.field("tags")).to_have_value("corner")
        elsewhere.open("tenant", "/machines/?tag=corner")
        expect(elsewhere.page.locator("tbody a.name")).to_have_text(["kiosk"])
        alice.send("Save tags", tags="")
        with soon(elsewhere):
            expect(elsewhere.page.locator(".empty")).to_be_visible()
        assert elsewhere.troubles == []

    def test_a_part_that_could_not_be_fetched_is_fetched_again(
        self, alice: Visitor, elsewhere: Visitor
    ) -> None:
        elsewhere.open("tenant", "/machines/?q=kiosk")
        there = elsewhere.page.locator("tbody .state")
        open_machine(alice, "kiosk")
        elsewhere.page.route("**/machines/**", lambda route: route.abort())
        command(alice, "Pause")
        is_now(alice, "Paused")
        # One that is lost after the last change: the pulse has told of that.
        with elsewhere.page.expect_event("requestfailed"):
            pass
        elsewhere.page.unroute_all()
        expect(there).to_have_text("Paused")
        command(alice, "Resume")
        is_now(alice, "Running")
        elsewhere.troubles = [one for one in elsewhere.troubles if "ERR_FAILED" not in one]


class TestTheSiteDies:
    def test_an_open_job_page_goes_on_by_itself(self, alice: Visitor, cloud: Stack) -> None:
        open_machine(alice, "kiosk")
        # Nobody works in VMM for a while, so the job lasts as long as it has to.
        cloud.kill("vmm")
        command(alice, "Restart")
        alice.follow(alice.page.locator("#work").get_by_role("link", name="Job"))
        expect(alice.page.locator("#work[data-live]")).to_be_visible()
        alice.page.evaluate("() => { window.since = 'before' }")
        with alice.page.expect_event("requestfailed"):
            cloud.kill("tenant")
        cloud.start("vmm", "tenant")
        done = alice.page.get_by_role("heading", level=2, name="Done")
        expect(done).to_be_visible(timeout=AFTER_A_DEATH)
        assert alice.page.evaluate("() => window.since") == "before"
        # While there was no site the browser could not but complain.
        alice.troubles = [one for one in alice.troubles if "net::ERR_" not in one]

    def test_then_it_asks_nothing_more(self, alice: Visitor, elsewhere: Visitor) -> None:
        # In the other browser: its clock is not the true one from now on.
        page = elsewhere.context.new_page()
        page.clock.install(time=time.time())
        page.goto(alice.page.url)
        expect(page.locator("h1")).to_have_text("Restart kiosk")
        assert asked_in(page, 60) == []
        page.goto(alice.stack.url("tenant") + "/machines/")
        expect(page.locator("#machine-list")).to_be_visible()
        assert any("/pulse/" in url for url in asked_in(page, SOON)), "time does pass"
        page.close()
