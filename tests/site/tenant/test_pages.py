"""What holds for every page: policy, weight, errors with a reference, no inline anything."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError
from django.urls import reverse

from portal.templatetags.icons import icon

PAGES = ("overview", "machines", "machine-new", "plans", "subscriptions", "activity", "account")
HTML_BUDGET = 60_000
ASSET_BUDGET = 150_000


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_to_the_policy_and_the_budget(as_alice, machine, name) -> None:
    page = as_alice.get(reverse(name))
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src)|javascript:", page.text)
    assert len(page.content) <= HTML_BUDGET
    assert page.text.count("<h1") == 1


def test_styles_and_scripts_fit_the_budget(as_alice) -> None:
    import django_htmx

    page = as_alice.get(reverse("overview")).text
    folders = (settings.BASE_DIR / "static", Path(django_htmx.__file__).parent / "static")
    named = set(re.findall(r'(?:href|src)="/static/([^"]+\.(?:css|js))"', page))
    assert "vendor/pico/pico.min.css" in named
    files = [next(f / name for f in folders if (f / name).exists()) for name in named]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= ASSET_BUDGET


def test_nothing_here_is_a_page_of_ours(as_alice) -> None:
    page = as_alice.get("/nowhere/")
    assert page.status_code == 404
    assert "There is nothing here" in page.text


@pytest.fixture
def broken(monkeypatch, as_alice):
    """Return a browser that looks at a page whose work raises."""
    as_alice.raise_request_exception = False

    def look(error: Exception):
        def fail(*_args, **_kwargs):
            raise error

        monkeypatch.setattr("portal.tenant_site.views.overview.recent", fail)
        return as_alice.get(reverse("overview"))

    return look


def test_a_bug_is_our_side_with_a_reference_that_is_logged(broken, caplog) -> None:
    page = broken(RuntimeError("secret detail"))
    assert page.status_code == 500
    assert "our side" in page.text
    assert "secret detail" not in page.text
    reference = re.search(r"<code>(\w+)</code>", page.text)[1]
    assert reference in caplog.text


def test_a_database_that_is_away_is_not_a_bug(broken) -> None:
    page = broken(OperationalError("no connection"))
    assert page.status_code == 503
    assert page.headers["Retry-After"]


def test_every_icon_named_in_a_template_is_vendored() -> None:
    templates = settings.BASE_DIR / "templates"
    named = {
        name
        for file in templates.rglob("*.html")
        for name in re.findall(r'\{% icon "([^"]+)"', file.read_text())
    }
    assert all("<svg" in icon(name) for name in named)
