"""What the steps of a journey hand on to each other."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.e2e import backstage
from tests.e2e.visitor import Visitor
from tests.stack import Stack


class Journey:
    """A cloud somebody filled in VMM only, and the people who come to it."""

    def __init__(self, browser: Browser, cloud: Stack) -> None:
        self.browser = browser
        self.cloud = cloud
        self.spf_password, self.setup_code = backstage.fill(cloud)
        self.people: dict[str, Visitor] = {}

    def visitor(self, name: str, *, javascript: bool = True) -> Visitor:
        """Return a person's browser, a new one when they come for the first time."""
        key = name if javascript else f"{name} without scripts"
        if key not in self.people:
            self.people[key] = Visitor(self.browser, self.cloud, key, javascript=javascript)
        return self.people[key]
