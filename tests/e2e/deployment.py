"""Watching a machine come and go, with scripts and without."""

from __future__ import annotations

import time

from playwright.sync_api import expect

from tests.e2e.visitor import Visitor

# A step that runs and was not noted yet; or the end, when the page shows no work any more.
NEXT_STEP = """
(noted) => {
  if (!document.querySelector('#work')) return {ended: true};
  const step = document.querySelector('#work li.running > span > strong')?.textContent;
  return step && !noted.includes(step) ? {step} : null;
}
"""


def form(visitor: Visitor) -> dict[str, str]:
    """Return what quick create would send, as the page stands."""
    script = "form => Object.fromEntries(new FormData(form))"
    return visitor.page.locator("#new-machine").evaluate(script)


def watch(visitor: Visitor) -> list[str]:
    """Return the steps the page showed at work, one after the other, until it was done."""
    noted: list[str] = []
    while True:
        told = visitor.page.wait_for_function(NEXT_STEP, arg=noted).json_value()
        if "step" not in told:
            return noted
        noted.append(told["step"])
        visitor.look(f"deploying, {told['step']}")


def reload_until(visitor: Visitor, state: str, within: float = 60) -> None:
    """Reload the page, as people without scripts do, until the machine is in a state."""
    badge = visitor.page.locator(".head .state")
    deadline = time.monotonic() + within
    while badge.inner_text() != state and time.monotonic() < deadline:
        visitor.page.wait_for_timeout(300)
        visitor.page.reload()
    expect(badge).to_have_text(state)


def reload_until_gone(visitor: Visitor, within: float = 60) -> None:
    """Ask for the page of a machine that is being deleted until there is none."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if visitor.ask("tenant", "GET", visitor.path()).status == 404:
            return
        visitor.page.wait_for_timeout(300)
    raise AssertionError("the machine is still there")
