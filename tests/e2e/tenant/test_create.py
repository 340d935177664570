"""Custom create: a draft page by page, a job page until it runs, then two machines by a pattern."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e import backstage
from tests.e2e.machines import tab
from tests.e2e.visitor import Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GUEST_PASSWORD = "Guest-Marked-7"
ADDRESS = "10.20.9.77"
TABS = ("Dashboard", "Configure", "Networks", "Disks", "Checkpoints", "Activity")


def begin(alice: Visitor) -> None:
    """Open a new draft."""
    alice.open("tenant", "/machines/new/")
    alice.press("Custom create")
    expect(step(alice, "Template")).to_be_visible()


def step(alice: Visitor, title: str):
    """Return the title of a step."""
    return alice.page.get_by_role("heading", level=2, name=title, exact=True)


def next_step(alice: Visitor, title: str) -> None:
    alice.press("Next")
    expect(step(alice, title)).to_be_visible()


class TestOneMachineInEveryDetail:
    def test_a_template_and_a_size_of_ones_own(self, alice: Visitor) -> None:
        begin(alice)
        alice.look("custom create, template")
        alice.page.get_by_label("Debian 12").check()
        next_step(alice, "Size")
        alice.page.get_by_label("My own values").first.check()
        alice.fill(cores="2", memory_gb="1.5")
        expect(alice.page.locator("#beside")).to_contain_text("1,536 MB")
        alice.look("custom create, size")

    def test_a_data_disk_and_a_fixed_address(self, alice: Visitor) -> None:
        next_step(alice, "Disks")
        alice.press("Add a disk")
        alice.fill(**{"size-0": "7", "name-0": "shelf"})
        expect(alice.page.locator("#beside")).to_contain_text("17 GB")
        alice.look("custom create, disks")
        next_step(alice, "Networks")
        alice.fill(**{"address-0": "10.20.9.777"})
        alice.press("Next")
        expect(alice.error_at("address-0")).to_be_visible()
        alice.fill(**{"address-0": ADDRESS})
        expect(alice.page.locator("#beside .checks")).to_contain_text(ADDRESS)
        alice.look("custom create, networks")
        next_step(alice, "Identity")

    def test_several_machines_cannot_share_the_address(self, alice: Visitor) -> None:
        alice.fill(count="2", name="books-#", password=GUEST_PASSWORD)
        alice.press("Next")
        expect(alice.error_at("count")).to_contain_text(ADDRESS)
        alice.look("custom create, identity, refused")
        alice.fill(count="1", name="books")
        next_step(alice, "Schedule and tags")
        alice.look("custom create, options")
        alice.fill(tags="library, quiet")

    def test_back_keeps_what_was_typed(self, alice: Visitor) -> None:
        for title in ("Identity", "Networks", "Disks"):
            alice.press("Back")
            expect(step(alice, title)).to_be_visible()
        assert alice.field("name-0").input_value() == "shelf"
        alice.press("Save and review")
        expect(step(alice, "This machine will be created")).to_be_visible()
        review = alice.page.locator("main")
        for words in ("books", "7 GB", ADDRESS, "library, quiet", "1,536 MB"):
            expect(review).to_contain_text(words)
        alice.page.get_by_text("Show as API call").click()
        expect(review.locator("pre")).to_contain_text('"address": "10.20.9.77"')
        assert GUEST_PASSWORD not in alice.page.content()
        alice.look("custom create, review")

    def test_its_job_is_watched_until_it_runs(self, alice: Visitor, cloud: Stack) -> None:
        # Nobody works in VMM for a while, so the job is under way when she looks at it.
        cloud.kill("vmm")
        try:
            alice.page.get_by_role("button", name="Create machine").dblclick()
            expect(alice.heading("books")).to_be_visible()
            alice.follow(alice.page.locator("#work").get_by_role("link", name="Job"))
            expect(alice.page.locator("#work[data-live]")).to_be_visible()
            alice.look("job, under way")
        finally:
            cloud.start("vmm")
        expect(alice.page.get_by_role("heading", level=2, name="Done")).to_be_visible()
        alice.look("job, done")
        made = backstage.rows(
            cloud, "SELECT cores, memory_mb FROM vmm_virtualmachine WHERE name = 'books'"
        )
        assert made == [(2, 1536)]

    def test_every_tab_shows_what_was_ordered(self, alice: Visitor) -> None:
        alice.follow(alice.page.locator("dd").get_by_role("link", name="books"))
        expect(alice.page.locator("#machine-state")).to_contain_text("Running")
        told = {"Networks": ADDRESS, "Disks": "7 GB", "Activity": "Deploy", "Dashboard": "library"}
        for title in TABS:
            tab(alice, title)
            if title in told:
                expect(alice.page.locator("#tab")).to_contain_text(told[title])
            alice.look(f"machine, {title}")


class TestTwoByAPattern:
    def test_they_are_made_together(self, alice: Visitor) -> None:
        begin(alice)
        alice.page.get_by_label("Debian 12").check()
        for title in ("Size", "Disks", "Networks", "Identity"):
            next_step(alice, title)
        alice.fill(count="2", name="node##", password=GUEST_PASSWORD)
        expect(alice.page.locator("#beside .names")).to_contain_text("node02")
        alice.press("Next")
        alice.press("Next")
        alice.press("Create 2 machines")
        expect(alice.page.locator("main")).to_contain_text("2 machines are on their way.")
        for name in ("node01", "node02"):
            row = alice.page.locator("tr", has=alice.page.get_by_role("link", name=name))
            expect(row).to_contain_text("Running")
        alice.look("list with both")
