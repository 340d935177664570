"""What people do on the pages of machines, in their words; and what VMM says became of it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

from tests.e2e import backstage
from tests.e2e.visitor import Visitor
from tests.stack import Stack


def open_machine(visitor: Visitor, name: str) -> None:
    """Go to a machine's page by way of the list."""
    visitor.open("tenant", f"/machines/?q={name}")
    visitor.follow(visitor.page.locator("tbody").get_by_role("link", name=name, exact=True))
    expect(visitor.heading(name)).to_be_visible()


def tab(visitor: Visitor, title: str) -> None:
    """Go to a tab of the machine's page."""
    visitor.follow(visitor.page.locator("#machine-tabs").get_by_role("link", name=title))
    expect(visitor.page.locator("#machine-tabs [aria-current]")).to_have_text(title)


def command(visitor: Visitor, title: str) -> None:
    """Press a command, behind *More* where it is not in sight."""
    bar = visitor.page.locator("#machine-commands")
    said = (
        bar.locator("button, a.button")
        .filter(has_text=title)
        .and_(
            bar.get_by_role("button", name=title, exact=True).or_(
                bar.get_by_role("link", name=title, exact=True)
            )
        )
    )
    if not said.first.is_visible():
        bar.locator("summary").click()
    visitor.follow(said.first)


def is_asked(visitor: Visitor, words: str) -> None:
    """Wait until a page or a dialog asks, with this button to answer."""
    asked = visitor.page.locator("main form:visible")
    expect(asked.get_by_role("button", name=words, exact=True)).to_be_visible()


def answer(visitor: Visitor, words: str, **fields: str) -> None:
    """Fill in what a page or a dialog asks, and press its button."""
    for name, value in fields.items():
        visitor.field(name).fill(value)
    asked = visitor.page.locator("main form:visible")
    visitor.follow(asked.get_by_role("button", name=words, exact=True))


def is_now(visitor: Visitor, state: str) -> None:
    """Wait, without a reload, until the machine is in a state."""
    expect(visitor.page.locator("#machine-state")).to_contain_text(state)


def job_ends(visitor: Visitor, title: str) -> None:
    """Watch the newest job of this title to its end, and go to its machine.

    Work of several steps lets the machine rest in between, so its state alone does not tell; and
    the machine's page tells of work that goes on only, which may have ended before one looks.
    """
    visitor.open("tenant", "/jobs/")
    jobs = visitor.page.locator("#job-list tbody")
    visitor.follow(jobs.get_by_role("link", name=title, exact=True).first)
    expect(visitor.page.get_by_role("heading", level=2, name="Done")).to_be_visible()
    its = visitor.page.locator("dt", has_text="Machine")
    visitor.follow(its.locator("xpath=following-sibling::dd[1]/a"))
    expect(visitor.page.locator("#machine-state")).to_be_visible()


def row(visitor: Visitor, name: str) -> Locator:
    """Return the row of a disk, an adapter, a checkpoint."""
    return visitor.page.locator("#tab tbody tr").filter(has=visitor.page.get_by_text(name))


def in_vmm(cloud: Stack, name: str, columns: str) -> tuple[Any, ...] | None:
    """Return what VMM knows of a machine, None where it knows none of this name."""
    found = backstage.rows(cloud, f"SELECT {columns} FROM vmm_virtualmachine WHERE name = '{name}'")
    return found[0] if found else None
