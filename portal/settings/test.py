"""Tests: hosts take no time, mail stays in memory, passwords hash cheaply."""

import os

os.environ.setdefault("KATAL_SECRET_KEY", "only-for-tests-" + "x" * 50)
os.environ.setdefault("KATAL_HTTPS", "0")
os.environ.setdefault("KATAL_SIM_SCALE", "0")

from portal.settings.base import *
from portal.settings.base import MIDDLEWARE, STORAGES

SITE = "tenant"
ROOT_URLCONF = "portal.urls.tenant"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
ALLOWED_HOSTS = ["*"]
JOB_LEASE_SECONDS = 30
CELERY_TASK_ALWAYS_EAGER = False
LIVE_LISTEN = False
ACCOUNT_RATE_LIMITS = False
API_WRONG_KEYS_PER_MINUTE = 10**6
# Static files come from their sources; there is no collected folder to warn about.
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]
