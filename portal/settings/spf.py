"""Service Provider Foundation, port 8090: no sessions, no cookies, no templates of ours."""

from portal.settings.base import *

SITE = "spf"
ROOT_URLCONF = "portal.urls.spf"
# The fabric plane alone: this process cannot even reach the rows of the service plane.
INSTALLED_APPS = ["fabric.vault", "fabric.vmm", "fabric.spf"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = []
# TLS ends in this very process; there is no plain port to redirect from.
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # no cookies, so no CSRF: every call carries its own credentials
    "security.W008",
]
# Bodies nobody has finished wait on the disk: anybody can begin one.
FILE_UPLOAD_MAX_MEMORY_SIZE = 65_536
