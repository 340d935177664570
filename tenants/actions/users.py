"""Make people and their tenants."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tenants import places
from tenants.actions import operations
from tenants.errors import Conflicting, Refused
from tenants.models import Membership, Role, Tenant, User


@transaction.atomic
def create_user(
    *, by: User | None, email: str, password: str, name: str = "", is_operator: bool = False
) -> User:
    """Return a new person whose address needs no verification: an operator vouches for it.

    A tenant of their own comes with them unless they are an operator.
    """
    user = User(email=email.strip().lower(), name=name, is_operator=is_operator)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="password") from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflicting(
            _("%(email)s already has an account.") % {"email": user.email}, field="email"
        ) from error
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    tenant = None if is_operator else open_tenant(owner=user)
    operations.done(
        "user.created",
        by=by,
        tenant=tenant,
        object_type="user",
        object_id=user.pk,
        object_name=user.email,
        parameters={"email": user.email, "name": name, "operator": is_operator},
    )
    return user


def open_tenant(*, owner: User, name: str = "") -> Tenant:
    """Return a new tenant with its first Tenant Admin; call it in a transaction."""
    tenant = Tenant.objects.create(name=name or owner.name or owner.email)
    Membership.objects.create(tenant=tenant, user=owner, role=Role.ADMIN)
    places.forget(owner)
    return tenant
