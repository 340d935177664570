from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "The two sites"

    def ready(self) -> None:
        # Every process that sends messages must know the broker, not only the workers.
        from portal import celery  # noqa: F401
