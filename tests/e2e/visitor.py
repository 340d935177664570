"""One person's browser, on both sites. It remembers every page and whatever went wrong on one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    APIResponse,
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    expect,
)

from tests.e2e.accessibility import offences
from tests.stack import Stack

# Only who is stuck takes so long, or a machine with much else to do.
PATIENCE = 90_000
TIME_ZONE = "Europe/Berlin"
LOUD = ("error", "warning")
# What htmx says of a look that a later one overtook; a server that fails is heard otherwise.
OVERTAKEN = ("htmx:sendAbort", "htmx:afterRequest")
SHOTS = os.environ.get("KATAL_E2E_SHOTS")  # a folder, to look at what the journey saw
CSRF_COOKIES = {"admin": "katal_admin_csrf", "tenant": "katal_csrf"}


class Visitor:
    """Speaks as a person does: by the labels of fields and the words on buttons."""

    def __init__(
        self, browser: Browser, stack: Stack, name: str, *, javascript: bool = True
    ) -> None:
        self.stack = stack
        self.name = name
        self.javascript = javascript
        self.context = browser.new_context(
            java_script_enabled=javascript,
            viewport={"width": 1280, "height": 900},
            locale="en-GB",
            timezone_id=TIME_ZONE,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        self.seen: dict[str, str] = {}
        self.context.on("console", self._heard)
        self.context.on("request", self._asked)
        self.context.on("response", self._answered)
        self.context.on("weberror", lambda error: self.troubles.append(f"script: {error.error}"))

    # What it remembers

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in LOUD and not message.text.startswith(OVERTAKEN):
            self.troubles.append(f"console: {message.text} at {self.page.url}")

    def _asked(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob", "about") and url.hostname != "localhost":
            self.troubles.append(f"left this machine: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status}: {response.url}")

    # What it does

    def open(self, site: str, path: str = "/") -> None:
        """Go to a page of the site *admin* or *tenant*."""
        self.page.goto(self.stack.url(site) + path)

    def look(self, name: str) -> None:
        """Take in the page: keep its text, and hold it to what everybody can use."""
        self.arrive()
        self.seen[f"{self.name}: {name}"] = self.page.content()
        if SHOTS:
            number = len(list(Path(SHOTS).glob("*.png")))
            self.page.screenshot(
                path=Path(SHOTS) / f"{number:02}-{slug(self.name)}-{slug(name)}.png", full_page=True
            )
        if self.javascript:
            self.troubles += [f"{name}: {offence}" for offence in offences(self.page)]

    def fill(self, **fields: str) -> None:
        """Type into fields by their names."""
        for name, value in fields.items():
            self.field(name).fill(value)

    def choose(self, name: str, label: str) -> None:
        """Choose the line of a list that begins with these words."""
        line = self.field(name).locator("option", has_text=re.compile(f"^\\s*{re.escape(label)}"))
        self.field(name).select_option(value=line.get_attribute("value"))

    def field(self, name: str) -> Locator:
        """Return the control of this name in the page proper."""
        return self.page.locator(f"main [name='{name}']:visible")

    def arrive(self) -> None:
        """Have the whole of a page that has begun to come: half of one is no answer."""
        self.page.wait_for_load_state()

    def press(self, words: str) -> None:
        """Press a button, or follow a link that looks like one, in the page proper.

        Where that leads to another page, it has come.
        """
        button = self.page.locator("main").get_by_role("button", name=words, exact=True)
        link = self.page.locator("main").get_by_role("link", name=words, exact=True)
        self.follow(button.or_(link).first)

    def follow(self, link: Locator) -> None:
        """Click on what may lead to another page; a click alone returns when that has begun."""
        link.click()
        self.arrive()

    def send(self, words: str, **fields: str) -> None:
        """Fill in a form and send it with a button."""
        self.fill(**fields)
        self.press(words)

    def sign_in(self, site: str, email: str, password: str) -> None:
        """Sign in and arrive at the first page."""
        self.open(site, "/account/login/")
        self.send("Sign in", login=email, password=password)
        expect(self.heading("Overview")).to_be_visible()

    def heading(self, text: str) -> Locator:
        """Return the page's title."""
        return self.page.get_by_role("heading", level=1, name=text, exact=True)

    def error_at(self, name: str) -> Locator:
        """Return what is said to be wrong with a field."""
        control = self.page.locator(f"[name='{name}']")
        return self.page.locator(".field", has=control).locator(".errorlist")

    def count(self, title: str) -> Locator:
        """Return the number beside a line of the left menu."""
        return self.page.locator("#menu a", has_text=title).locator(".count")

    def path(self) -> str:
        return urlsplit(self.page.url).path

    # Beside the pages

    def ask(self, site: str, method: str, path: str, **form: str) -> APIResponse:
        """Send a request with this person's cookies and a valid token, as a script of theirs."""
        cookies = {c.get("name"): c.get("value") for c in self.context.cookies()}
        return self.context.request.fetch(
            self.stack.url(site) + path,
            method=method,
            headers={"X-CSRFToken": str(cookies.get(CSRF_COOKIES[site], ""))},
            form=form or None,
            max_redirects=0,
        )

    def leave(self) -> None:
        self.context.close()


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
