"""By keyboard alone: from the list to a machine shut down, and to a dialog and out of it again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.machines import open_machine
from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FURTHEST = 40
FOCUSED = """() => {
  const at = document.activeElement;
  return (at.getAttribute('aria-label') ?? at.textContent).trim();
}"""


def walk_to(alice: Visitor, words: str) -> None:
    """Press Tab until what has the focus is called this; it must be seen to have it."""
    for _step in range(FURTHEST):
        alice.page.keyboard.press("Tab")
        if alice.page.evaluate(FOCUSED) == words:
            assert alice.page.locator(":focus-visible").count() == 1, f"{words}: no focus is seen"
            return
    raise AssertionError(f"Tab does not lead to {words}")


class TestNoMouse:
    def test_the_first_stop_skips_the_menu(self, alice: Visitor) -> None:
        alice.open("tenant", "/machines/?q=shop-")
        expect(alice.page.locator("tbody .state")).to_have_text(["Running"] * 3)
        walk_to(alice, "Skip to content")
        alice.page.keyboard.press("Enter")
        expect(alice.page.locator("#main")).to_be_focused()

    def test_from_the_list_to_the_result(self, alice: Visitor) -> None:
        keys = alice.page.keyboard
        for key in ("j", "j"):
            keys.press(key)
        chosen = str(alice.page.evaluate(FOCUSED))
        assert chosen.startswith("shop-")
        keys.press("x")
        expect(alice.page.locator(".number-chosen")).to_have_text("1 chosen")
        alice.look("one chosen")
        walk_to(alice, "Shut down")
        keys.press("Enter")
        expect(alice.page.locator("tbody th")).to_have_text([chosen])
        alice.look("shut down these?")
        walk_to(alice, "Shut down")
        keys.press("Enter")
        expect(alice.page.locator("#result tbody .state")).to_have_text(["Succeeded"])
        alice.look("what came of it")

    def test_enter_opens_and_escape_closes(self, alice: Visitor) -> None:
        open_machine(alice, "shop-db")
        walk_to(alice, "Delete")
        alice.page.keyboard.press("Enter")
        dialog = alice.page.locator("#delete-dialog")
        expect(dialog).to_be_visible()
        expect(dialog.locator(":focus")).to_have_count(1)
        alice.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert alice.page.evaluate(FOCUSED) == "Delete"
