"""Build the demo cloud of a first start, through the running SPF and workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fabric.actions import setup
from portal import demo
from tenants.models import User

ADMIN = "admin@katal.local"
PEOPLE = (
    ("anna@tenant1.example", "Anna Berg", (("web-01", "Ubuntu 24.04 LTS"), ("db-01", "Debian 12"))),
    ("ben@tenant2.example", "Ben Costa", (("dc-01", "Windows Server 2022"),)),
)


class Command(BaseCommand):
    help = "Build a small cloud to click through: fabric, plan, people, machines."

    def handle(self, *args: Any, **options: Any) -> None:
        sign_ins: list[tuple[str, str, str]] = []
        admin = self._set_up(sign_ins)
        demo.fill_vmm()
        try:
            stamp = demo.register(
                by=admin, url=settings.SPF_URL, authority=settings.STATE_DIR / "tls" / "ca.pem"
            )
            plan = demo.offer(by=admin, cloud=demo.wait_for_cloud(stamp), name="Starter")
            for email, name, wanted in PEOPLE:
                secret = demo.password()
                person = demo.person(by=admin, email=email, name=name, secret=secret)
                sign_ins.append(("Tenant", email, secret))
                subscription = demo.subscribe(by=person, plan=plan)
                demo.wait_until_in_sync(subscription)
                for machine, image in wanted:
                    demo.order(by=person, subscription=subscription, name=machine, image=image)
        except TimeoutError as error:
            raise CommandError(f"{error} Are the workers running?") from error
        write_welcome(settings.STATE_DIR / "welcome.txt", sign_ins)

    def _set_up(self, sign_ins: list[tuple[str, str, str]]) -> User:
        secret = demo.password()
        code = setup.new_code()
        if code is None:
            admin = User.objects.filter(email=ADMIN, is_operator=True).first()
            if admin is None:
                raise CommandError("This Katal is set up already, by somebody else.")
            admin.set_password(secret)
            admin.save(update_fields=["password"])
        else:
            passphrase = demo.password()
            admin = setup.set_up(
                code=code,
                instance_name="Katal Demo",
                email=ADMIN,
                password=secret,
                passphrase=passphrase,
            )
            keep(settings.STATE_DIR / "passphrase", passphrase)
        sign_ins.append(("Admin", ADMIN, secret))
        return admin


def write_welcome(path: Path, sign_ins: list[tuple[str, str, str]]) -> None:
    """Keep what `make run` prints at every start: where to go, and as whom."""
    sites = {"Tenant": settings.TENANT_SITE_URL, "Admin": settings.ADMIN_SITE_URL}
    lines = [
        f"  {kind:<7} {sites[kind]:<24} {email:<22} {secret}" for kind, email, secret in sign_ins
    ]
    keep(path, "The demo cloud. Sign in with:\n\n" + "\n".join(lines) + "\n")


def keep(path: Path, text: str) -> None:
    """Write a file only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
