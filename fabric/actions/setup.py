"""First run: one-time code in, first administrator and configuration store out."""

from __future__ import annotations

import secrets

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabric.vault import store
from fabric.vault.errors import VaultError
from tenants.actions import operations, users
from tenants.errors import Conflicting, Refused
from tenants.models import Instance, User

PASSPHRASE_LENGTH = 12


def is_done() -> bool:
    """Tell whether this instance is set up."""
    return Instance.objects.filter(set_up_at__isnull=False).exists()


def new_code() -> str | None:
    """Return a fresh one-time code for the set-up page; None when there is nothing to set up."""
    if is_done():
        return None
    code = "-".join(secrets.token_hex(3) for _part in range(4))
    Instance.objects.update_or_create(id=1, defaults={"setup_code": make_password(code)})
    return code


@transaction.atomic
def set_up(*, code: str, instance_name: str, email: str, password: str, passphrase: str) -> User:
    """Make the first administrator and the configuration store. Works once, with the code."""
    instance = Instance.objects.select_for_update().filter(pk=1).first()
    if instance is None or not instance.setup_code:
        raise Conflicting(_("This instance is set up already."))
    if instance.set_up_at or not check_password(code.strip(), instance.setup_code):
        raise Refused(_("This is not the code the server printed last."), field="code")
    if len(passphrase) < PASSPHRASE_LENGTH:
        raise Refused(
            _("At least %(length)d characters.") % {"length": PASSPHRASE_LENGTH},
            field="passphrase",
        )
    user = users.create_user(by=None, email=email, password=password, is_operator=True)
    instance.name = instance_name.strip() or instance.name
    instance.setup_code, instance.set_up_at = "", timezone.now()
    instance.save()
    operations.done("instance.set_up", by=user, object_type="instance", object_name=instance.name)
    try:
        store.create(passphrase)
    except VaultError as error:
        raise Conflicting(str(error), field="passphrase") from error
    return user
