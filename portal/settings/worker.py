"""Workers, beat and management commands: no site is served from here."""

from portal.settings.base import *

SITE = "worker"
ROOT_URLCONF = "portal.urls.worker"
