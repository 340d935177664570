"""The reference of SPF says what the service does."""

from __future__ import annotations

from io import StringIO

from django.conf import settings
from django.core.management import call_command


def test_the_reference_is_what_the_declarations_say() -> None:
    told = StringIO()

    call_command("spf_reference", stdout=told)

    written = (settings.BASE_DIR / "docs" / "spf-reference.md").read_text()
    assert written == told.getvalue(), "write it anew: manage.py spf_reference"
