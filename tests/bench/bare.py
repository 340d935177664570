"""A bare view beside the tenant site: the same middleware and sign-in, one query, one line.

It is both the settings of its process and its URL table.
"""

from __future__ import annotations

from portal.settings.tenant import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare_urls"
