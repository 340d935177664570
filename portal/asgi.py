"""ASGI door of SPF: its clients send chunked bodies, which arrive empty under WSGI."""

import os

import django

from fabric.spf import readiness
from fabric.spf.asgi import Threads, limited

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.spf")
django.setup(set_prefix=False)
readiness.announce()
# SPF has no portal app that would do it: who sends messages must know the broker.
from portal import celery  # noqa: E402, F401

application = limited(Threads())
