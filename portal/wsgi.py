"""WSGI door of the two sites."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.tenant")
application = get_wsgi_application()
