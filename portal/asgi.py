"""ASGI door of SPF: its clients send chunked bodies, which arrive empty under WSGI."""

import os

from django.core.asgi import get_asgi_application

from fabric.spf.asgi import limited

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.spf")
application = limited(get_asgi_application())
