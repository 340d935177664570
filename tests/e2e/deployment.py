"""Watching a machine come and go, with scripts and without."""

from __future__ import annotations

import time

from playwright.sync_api import expect

from tests.e2e.visitor import Visitor

# The page itself notes each step it shows at work: from outside some would be missed.
NOTE_STEPS = """
(() => {
  const read = () => JSON.parse(sessionStorage.getItem('steps at work') ?? '[]');
  const note = () => {
    const step = document.querySelector('#work li.running > span > strong')?.textContent;
    const noted = read();
    if (step && !noted.includes(step)) {
      sessionStorage.setItem('steps at work', JSON.stringify([...noted, step]));
    }
  };
  const watch = {subtree: true, childList: true, attributes: true};
  new MutationObserver(note).observe(document, watch);
})();
"""
NOTED = "JSON.parse(sessionStorage.getItem('steps at work') ?? '[]')"


def note_steps(visitor: Visitor) -> None:
    """Have every page from now on note which steps it shows at work."""
    visitor.page.add_init_script(NOTE_STEPS)


def form(visitor: Visitor) -> dict[str, str]:
    """Return what quick create would send, as the page stands."""
    script = "form => Object.fromEntries(new FormData(form))"
    return visitor.page.locator("#new-machine").evaluate(script)


def watch(visitor: Visitor) -> list[str]:
    """Return the steps the page showed at work, one after the other, once it is done."""
    visitor.look("deploying")
    expect(visitor.page.locator("#work[hidden]")).to_be_attached()
    steps: list[str] = visitor.page.evaluate(NOTED)
    return steps


def reload_until(visitor: Visitor, state: str, within: float = 120) -> None:
    """Reload the page, as people without scripts do, until the machine is in a state."""
    badge = visitor.page.locator(".head .state")
    deadline = time.monotonic() + within
    while badge.inner_text() != state and time.monotonic() < deadline:
        visitor.page.wait_for_timeout(300)
        visitor.page.reload()
    expect(badge).to_have_text(state)


def reload_until_gone(visitor: Visitor, within: float = 120) -> None:
    """Ask for the page of a machine that is being deleted until there is none."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if visitor.ask("tenant", "GET", visitor.path()).status == 404:
            return
        visitor.page.wait_for_timeout(300)
    raise AssertionError("the machine is still there")
