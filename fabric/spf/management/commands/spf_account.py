"""Make or change an account of the Service Provider Foundation."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fabric.spf.actions.accounts import ALL_GROUPS, change_account, create_account, new_password
from fabric.spf.models import Account
from fabric.vmm.errors import VMMError


class Command(BaseCommand):
    help = (
        "Make an account of the Service Provider Foundation and print its password, this once. "
        "With --change, change one; a new password only with --new-password."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--change", action="store_true", help="the account exists")
        parser.add_argument("--new-password", action="store_true", help="with --change")
        parser.add_argument("--group", action="append", choices=ALL_GROUPS, help="default: all")
        rights = parser.add_mutually_exclusive_group()
        rights.add_argument("--vmm-administrator", dest="rights", action="store_true", default=None)
        rights.add_argument("--no-vmm-rights", dest="rights", action="store_false", default=None)
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--disable", dest="active", action="store_false", default=None)
        state.add_argument("--enable", dest="active", action="store_true", default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        fresh = not options["change"] or options["new_password"]
        password = new_password() if fresh else None
        try:
            account = self._save(options, password)
        except VMMError as error:
            raise CommandError(error.message) from None
        rights = "administers VMM" if account.is_vmm_administrator else "has no rights in VMM"
        self.stdout.write(f"{account.username}: {', '.join(account.groups)}; {rights}.")
        if password is not None:
            self.stdout.write(f"Password, shown only now: {password}")

    def _save(self, options: dict[str, Any], password: str | None) -> Account:
        name, groups, rights = options["username"], options["group"], options["rights"]
        if options["change"]:
            return change_account(
                name,
                password=password,
                groups=groups,
                is_vmm_administrator=rights,
                is_active=options["active"],
            )
        assert password is not None
        is_active = options["active"] is not False
        return create_account(name, password, groups or ALL_GROUPS, rights is not False, is_active)
