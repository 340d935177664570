from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils import timezone


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "The two sites"

    def ready(self) -> None:
        # Every process that sends messages must know the broker, not only the workers.
        from portal import celery  # noqa: F401

        user_logged_in.connect(note_signed_in, dispatch_uid="portal.note_signed_in")


def note_signed_in(sender: object, request: HttpRequest, **_: Any) -> None:
    """Begin to note when this sign-in is used (portal/middleware.py: LastSeenMiddleware)."""
    from portal.middleware import SEEN

    request.session[SEEN] = timezone.now().timestamp()
