"""The tenant site, port 30081."""

from portal.settings.base import *

SITE = "tenant"
ROOT_URLCONF = "portal.urls.tenant"
SESSION_COOKIE_NAME = "katal_session"
CSRF_COOKIE_NAME = "katal_csrf"
