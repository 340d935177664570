"""ASGI door of SPF: its clients send chunked bodies, which arrive empty under WSGI."""

import os

import django

from fabric.spf import readiness
from fabric.spf.asgi import Threads, limited

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.spf")
django.setup(set_prefix=False)
readiness.announce()
application = limited(Threads())
