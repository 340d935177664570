"""The admin site, port 30091."""

from portal.settings.base import *

SITE = "admin"
ROOT_URLCONF = "portal.urls.admin"
SESSION_COOKIE_NAME = "katal_admin_session"
CSRF_COOKIE_NAME = "katal_admin_csrf"
