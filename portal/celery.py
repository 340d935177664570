"""The Celery application. Messages carry ids only; the rows decide."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.worker")

app = Celery("katal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["fabric", "fabric.vmm"])
