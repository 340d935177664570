"""A person at the tenant site, without a browser: sign in, fill in forms, press buttons."""

from __future__ import annotations

import html
import re
import time

import httpx

_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


class Person:
    """One signed-in session over HTTP."""

    def __init__(self, site: str, email: str, password: str) -> None:
        self.http = httpx.Client(base_url=site, timeout=60, follow_redirects=False)
        answer = self.post("/account/login/", {"login": email, "password": password})
        if answer.status_code != 302:
            raise RuntimeError(f"{email} could not sign in: {answer.status_code}")

    def get(self, path: str) -> httpx.Response:
        """Return a page; anything but 200 is an error."""
        answer = self.http.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return answer

    def hidden(self, path: str) -> dict[str, str]:
        """Return the hidden fields of a page's forms."""
        found = {}
        for tag in _INPUT.findall(self.get(path).text):
            attributes = dict(_ATTRIBUTE.findall(tag))
            if attributes.get("type") == "hidden" and "name" in attributes:
                found[attributes["name"]] = html.unescape(attributes.get("value", ""))
        return found

    def post(self, path: str, values: dict[str, str]) -> httpx.Response:
        """Fill in and send the form of a page."""
        fields = self.hidden(path) | values
        return self.http.post(path, data=fields, headers={"Referer": str(self.http.base_url)})

    def timed(self, path: str, times: int) -> list[float]:
        """Return how long a page takes, in milliseconds, after one warm-up."""
        self.get(path)
        taken = []
        for _n in range(times):
            began = time.perf_counter()
            self.get(path)
            taken.append((time.perf_counter() - began) * 1000)
        return taken
