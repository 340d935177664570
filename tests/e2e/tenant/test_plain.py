"""Without scripts: a machine in every detail, many stopped at once, many deleted at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.machines import in_vmm, open_machine, tab
from tests.e2e.tenant import town
from tests.e2e.visitor import Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GUEST_PASSWORD = "Guest-Marked-6"
PAIR = ("plain-1", "plain-2")
WITHIN = 120  # seconds


@pytest.fixture(scope="module")
def plain(browser: Browser, cloud: Stack) -> Iterator[Visitor]:
    """Yield alice's oldest browser."""
    visitor = Visitor(browser, cloud, "alice without scripts", javascript=False)
    visitor.sign_in("tenant", town.ALICE, town.PASSWORD)
    yield visitor
    visitor.leave()


def reload_until(plain: Visitor, *texts: str, of: str = "tbody .state") -> None:
    """Reload a page, as people without scripts do, until its rows say this."""
    shown = plain.page.locator(of)
    deadline = time.monotonic() + WITHIN
    while shown.all_inner_texts() != [*texts] and time.monotonic() < deadline:
        plain.page.wait_for_timeout(200)
        plain.page.reload()
    expect(shown).to_have_text([*texts])


def choose_both(plain: Visitor, act: str) -> None:
    """Choose the pair in the list, and an act."""
    plain.open("tenant", "/machines/?q=plain-")
    for box in plain.page.locator("tbody [name=pk]").all():
        box.check()
    plain.page.locator(".chosen").get_by_role("button", name=act, exact=True).click()


class TestWithoutScripts:
    def test_two_machines_are_made_page_by_page(self, plain: Visitor, cloud: Stack) -> None:
        plain.open("tenant", "/machines/new/")
        plain.press("Custom create")
        plain.page.get_by_label("Debian 12").check()
        plain.press("Next")
        plain.page.get_by_label("Small").check()
        plain.press("Show the effect")
        expect(plain.page.locator("#beside")).to_contain_text("2 GB")
        plain.press("Next")
        plain.press("Add a disk")
        plain.send("Next", **{"size-0": "3"})
        plain.press("Next")
        plain.send("Next", name="plain-#", count="2")
        expect(plain.error_at("password")).to_be_visible()
        plain.press("Generate a password")
        made = plain.page.get_by_label("Your new password").input_value()
        plain.press("Next")
        plain.press("Next")
        assert made not in plain.page.content()
        plain.press("Create 2 machines")
        plain.open("tenant", "/machines/?q=plain-")
        reload_until(plain, "Running", "Running")
        row = plain.page.locator("tbody tr").first.bounding_box()
        assert row is not None
        plain.page.mouse.click(row["x"] + row["width"] - 15, row["y"] + row["height"] / 2)
        expect(plain.page.locator("h1")).to_have_text("plain-1")
        plain.page.go_back()
        open_machine(plain, "plain-1")
        tab(plain, "Disks")
        reload_until(plain, "10 GB", "3 GB", of="tbody td.number")
        assert in_vmm(cloud, "plain-1", "memory_mb, storage_gb") == (2048, 13)

    def test_both_are_stopped(self, plain: Visitor) -> None:
        choose_both(plain, "Stop")
        plain.press("Stop")
        expect(plain.page.locator("tbody th")).to_have_text(PAIR)
        reload_until(plain, "Succeeded", "Succeeded")
        plain.open("tenant", "/machines/?q=plain-")
        reload_until(plain, "Stopped", "Stopped")

    def test_both_are_deleted(self, plain: Visitor, cloud: Stack) -> None:
        choose_both(plain, "Delete")
        plain.send("Delete", confirm="yes")
        expect(plain.error_at("confirm")).to_have_text("Type delete.")
        plain.send("Delete", confirm="delete")
        reload_until(plain, "Succeeded", "Succeeded")
        plain.open("tenant", "/machines/?q=plain-")
        expect(plain.page.locator(".empty")).to_contain_text("No machine matches")
        assert [in_vmm(cloud, name, "id") for name in PAIR] == [None, None]
        assert plain.troubles == []
