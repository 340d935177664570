"""ASGI door of SPF: its clients send chunked bodies, which arrive empty under WSGI."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.spf")
application = get_asgi_application()
