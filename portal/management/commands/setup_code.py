"""Print a one-time code for the set-up page. The last one printed is the one that counts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from fabric.actions import setup


class Command(BaseCommand):
    help = "Print a one-time code for the set-up page of the admin site."

    def handle(self, *args: Any, **options: Any) -> None:
        code = setup.new_code()
        if code is None:
            self.stdout.write("Katal is set up.")
            return
        self.stdout.write(
            f"This Katal is not set up yet. Open {settings.ADMIN_SITE_URL}/set-up/ and give this "
            f"code:\n\n    {code}\n"
        )
