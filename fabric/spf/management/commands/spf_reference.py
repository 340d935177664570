"""Print the reference of the SPF service."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from fabric.spf.reference import page
from fabric.spf.services import ADMIN_SERVICE, VMM_SERVICE


class Command(BaseCommand):
    help = "Print docs/spf-reference.md: every set with its properties, and what may be done to it."

    def handle(self, *args: Any, **options: Any) -> None:
        services = (("VMM service", VMM_SERVICE), ("Admin service", ADMIN_SERVICE))
        self.stdout.write(page(services), ending="")
