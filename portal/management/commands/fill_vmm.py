"""Give the built-in VMM something to offer: simulated hosts, a library, a network, a cloud."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal import demo


class Command(BaseCommand):
    help = "Fill the built-in VMM with simulated hosts, templates, a network and the cloud Gold."

    def handle(self, *args: Any, **options: Any) -> None:
        demo.fill_vmm()
        self.stdout.write(
            f"The VMM server is called {demo.VMM_SERVER}; register it at the admin site under that "
            "name, with an SPF account made by `manage.py spf_account`."
        )
