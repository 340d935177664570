"""The Celery application. Messages carry ids only; the rows decide."""

import os

from celery import Celery
from celery.signals import task_failure
from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.worker")

app = Celery("katal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["fabric", "fabric.vmm", "portal"])

# Handing fetched messages back takes a broker; when it is gone, trying to ends the worker for good.
# The sweep finds what they were about.
Channel.do_restore = False


@task_failure.connect
def drop_broken_connections(**_: object) -> None:
    """Connections are kept across tasks; one whose server was restarted must not be."""
    from django.db import close_old_connections

    close_old_connections()
