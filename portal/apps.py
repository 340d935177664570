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
        self.log_factors()

    def log_factors(self) -> None:
        from allauth.mfa import signals

        from portal import second_factor

        for signal in (signals.authenticator_added, signals.authenticator_reset):
            signal.connect(second_factor.note_added, dispatch_uid="portal.factor_added")
        signals.authenticator_removed.connect(
            second_factor.note_removed, dispatch_uid="portal.factor_removed"
        )


def note_signed_in(sender: object, request: HttpRequest, **_: Any) -> None:
    """Begin to note when this sign-in is used (portal/middleware.py: LastSeenMiddleware)."""
    from portal.middleware import SEEN

    request.session[SEEN] = timezone.now().timestamp()
