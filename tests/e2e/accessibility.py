"""Hold a page to what axe-core finds wrong for people who cannot see, point or hear well."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.sync_api import Error, Page

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
RUN = "() => axe.run(document, {resultTypes: ['violations'], preload: false})"


@cache
def source() -> str:
    # Without its closing value, which would be sent back from the browser.
    return f"{AXE.read_text()}; undefined"


def offences(page: Page) -> list[str]:
    """Return what is wrong with a page as it stands: rule, weight, where."""
    try:
        return complaints(page)
    except Error:
        # A page that is left for the next one while it is judged has nothing to be judged by.
        page.wait_for_load_state()
        return complaints(page)


def complaints(page: Page) -> list[str]:
    # The browser is told directly; a script tag would (rightly) be refused by our own policy.
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(source())
    found = page.evaluate(RUN)["violations"]
    return [
        f"{rule['impact']} {rule['id']}: {node['target'][0]} {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]
