"""Behind a proxy people are told apart by their own addresses, not by the proxy's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from portal.settings.base import BASE_DIR

ASK = """
import django
from django.test import RequestFactory
django.setup()
from allauth.core.internal.httpkit import get_client_ip
headers = {"X-Forwarded-For": "198.51.100.9, 203.0.113.7"}
print(get_client_ip(RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.1")))
"""


@pytest.mark.parametrize(("behind", "seen"), [("1", "203.0.113.7"), ("0", "10.0.0.1")])
def test_the_address_that_counts(behind, seen):
    settings = {"DJANGO_SETTINGS_MODULE": "portal.settings.tenant", "KATAL_SECRET_KEY": "x" * 60}
    told = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=True,
        cwd=BASE_DIR,
        env={**os.environ, **settings, "KATAL_BEHIND_PROXY": behind},
    )
    assert told.stdout.strip() == seen
