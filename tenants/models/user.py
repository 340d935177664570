"""People. An operator runs the admin site; everybody else belongs to tenants."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

if TYPE_CHECKING:
    from tenants.models.api_key import ApiKey

MAIL_ON = ("failed", "succeeded", "lease", "team")


def mailed_by_default() -> list[str]:
    """Return what a new person is told of by mail."""
    return ["failed", "lease"]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Return a new person; the mail address is kept in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who signs in with a mail address.

    `key` is the API key a request came with: whoever asks for this person's rights gets no more
    than the key's. `lacks_second_factor` is set on the person of a request: a tenant wants
    one of them; `told_places` are their memberships (`tenants.places`), None if nobody read them.
    `mail_on` holds words of MAIL_ON; `language` "" is as the browser asks.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True, default="")
    is_operator = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    time_zone = models.CharField(max_length=64, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    mail_on = models.JSONField(default=mailed_by_default, blank=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []
    key: ApiKey | None = None
    lacks_second_factor: bool = False
    told_places: list[dict[str, Any]] | None = None

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def tenant_ids(self) -> list[uuid.UUID] | None:
        """Return the person's tenants, None where they were not read with the person."""
        if self.told_places is None:
            return None
        return [uuid.UUID(place["tenant"]) for place in self.told_places]

    @property
    def whole_tenant_ids(self) -> list[uuid.UUID] | None:
        """Return the same for who sees every machine of all their tenants, None for others."""
        places = self.told_places or ()
        return self.tenant_ids if all(place["all_machines"] for place in places) else None

    def clean(self) -> None:
        self.email = self.email.strip().lower()
