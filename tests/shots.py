"""Pictures of every page of both sites: three widths, light and dark, into var/shots.

`python -m tests.shots [word …]` takes only the pages whose name holds one of the words.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
    django.setup()

from tests.conftest import CHROMIUM_FLAGS, NO_CHROMIUM, find_chromium
from tests.e2e.accessibility import offences
from tests.people import PASSWORD
from tests.stack import ROOT, Stack, stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

WIDTHS = {1440: 900, 768: 1024, 390: 844}
SCHEMES = ("light", "dark")
PEOPLE = {"tenant": "alice@example.net", "admin": "olga@example.net"}
SIGNED_OUT = ("account_login", "account_signup", "account_reset_password", "account_logout")
SIGNED_OUT += ("invitation-new",)
PICTURES = ROOT / "var" / "shots"


def main() -> int:
    chromium = find_chromium()
    if chromium is None:
        print(f"{NO_CHROMIUM}: install one, or name it in KATAL_CHROMIUM")
        return 1
    with tempfile.TemporaryDirectory(prefix="katal-shots-") as folder, stack(Path(folder)) as cloud:
        pages = furnish(cloud)
        cloud.start("tenant", "admin")
        return 1 if photograph(chromium, cloud, pages) else 0


def furnish(cloud: Stack) -> dict[str, dict[str, str]]:
    """Fill the database; return the addresses of the pages by site and name."""
    env = cloud.env | {"DJANGO_SETTINGS_MODULE": "portal.settings.worker"}
    command = [sys.executable, "-m", "tests.showroom"]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True)
    found: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def photograph(chromium: str, cloud: Stack, pages: dict[str, dict[str, str]]) -> int:
    """Take the pictures; return how many pages misbehaved."""
    from playwright.sync_api import sync_playwright

    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    bad = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for site, named in pages.items():
            wanted = {n: p for n, p in named.items() if chosen(f"{site} {n}")}
            if not wanted:
                continue
            session = sign_in(browser, cloud.url(site), PEOPLE[site])
            for width, height in WIDTHS.items():
                for scheme in SCHEMES:
                    look = {
                        "viewport": {"width": width, "height": height},
                        "color_scheme": scheme,
                        "reduced_motion": "reduce",
                    }
                    inside = browser.new_context(storage_state=session, **look)
                    outside = browser.new_context(**look)
                    for name, path in wanted.items():
                        context = outside if name in SIGNED_OUT else inside
                        file = PICTURES / site / f"{name}-{width}-{scheme}.png"
                        bad += shoot(context, cloud.url(site) + path, file)
                    inside.close()
                    outside.close()
        browser.close()
    return bad


def chosen(name: str) -> bool:
    return not sys.argv[1:] or any(word in name for word in sys.argv[1:])


def sign_in(browser: Browser, site: str, email: str) -> dict:
    """Return the state of a browser in which this person is signed in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/account/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("form button.primary")
    page.wait_for_url(f"{site}/")
    state = context.storage_state()
    context.close()
    return dict(state)


def shoot(context: BrowserContext, url: str, file: Path) -> int:
    """Take one picture; complain of console errors, of pages wider than the window, and of what
    keeps people out."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    answer = page.goto(url)
    if answer is not None and answer.status == 200:
        file.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=file, full_page=True)
        beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if beyond > 0:
            complaints.append(f"{beyond} px wider than the window")
        complaints += offences(page)
    elif answer is not None:
        complaints.append(f"status {answer.status}")
    page.close()
    for complaint in complaints:
        print(f"{file.relative_to(PICTURES)}: {complaint}")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
