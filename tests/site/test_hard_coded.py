"""No page says anything that no catalogue knows: in the pseudo-language, all but data is marked."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import models

from tests import pseudo
from tests.site.test_tenant_roles import addresses, url_of, world  # noqa: F401

# Words of no language: units, formats, names of things.
_SAME = """
API CPU CSV curl DHCP DNS DVD GB GHz GiB GNU HTTP HTTPS ID IOPS IPv4 IPv6 ISO JSON Katal kB kB/s
Linux MAC MB MB/s MiB OK OpenAPI PDF REST SPF SSH TB TOTP UTC VLAN VM VMM Windows XML YAML
cloud-config cloud-init English Nederlands Deutsch Shop read
"""
SAME_EVERYWHERE = frozenset(re.findall(r"[^\W\d_]+", _SAME))
WORD = re.compile(r"[^\W\d_]+")


@pytest.mark.slow
def test_every_text_of_every_page_is_in_a_catalogue(world) -> None:  # noqa: F811
    data = {*words_of_rows()}
    found = {}
    for name, keys in addresses().items():
        url = url_of(name, keys, world["found"])
        for initial in "na":  # what one sees before signing in, and what alice sees
            with pseudo.spoken():
                page = world["browsers"][initial].get(url)
            if page.status_code == 200 and page.headers["Content-Type"].startswith("text/html"):
                strange = [text for text in pseudo.outside(page.text) if not is_data(text, data)]
                if strange:
                    found[name] = sorted(set(strange))
    assert not found, "\n".join(f"{name}: {texts}" for name, texts in found.items())


def words_of_rows() -> Iterator[str]:
    """Yield every word that stands in a row, and the names of time zones."""
    for name in zoneinfo.available_timezones():
        yield from WORD.findall(name)
    for model in apps.get_models():
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.UUIDField)
        ]
        for row in model._default_manager.values_list(*names):
            for value in row:
                yield from WORD.findall(str(value or ""))


def is_data(text: str, data: set[str]) -> bool:
    known = data | SAME_EVERYWHERE
    return all(len(word) < 2 or word in known for word in WORD.findall(text))
