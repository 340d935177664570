"""No page says anything that no catalogue knows: in the pseudo-language, all but data is marked."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import reverse

from tests import pseudo
from tests.site.test_matrix import WORDS, about, addresses, objects, site  # noqa: F401

# Words of no language: units, formats, names of things.
_SAME = """
API CPU CSV curl DHCP DNS DVD GB GHz GiB GNU HTTP HTTPS ID IOPS IPv4 IPv6 ISO JSON Katal kB kB/s
Linux MAC MB MB/s MiB OK OpenAPI PDF REST SPF SSH TB TOTP UTC VLAN VM VMM Windows XML YAML
cloud-config cloud-init English Nederlands Deutsch
"""
SAME_EVERYWHERE = frozenset(_SAME.split())


@pytest.mark.slow
@pytest.mark.parametrize("site", ["tenant"], indirect=True)
def test_every_text_of_every_page_is_in_a_catalogue(site, objects, alice) -> None:  # noqa: F811
    client = Client()
    client.force_login(alice)
    data = [*words_of_rows()]
    found = {}
    for name, keys in addresses(site).items():
        if name.startswith("api-"):
            continue
        kwargs = {k: about(name, objects) if k == "pk" else WORDS.get(k, "x") for k in keys}
        with pseudo.spoken():
            page = client.get(reverse(name, kwargs=kwargs))
        if page.status_code == 200 and page.headers["Content-Type"].startswith("text/html"):
            strange = [text for text in pseudo.outside(page.text) if not is_data(text, data)]
            if strange:
                found[name] = sorted(set(strange))
    assert not found


def words_of_rows() -> Iterator[str]:
    """Yield every text that stands in a row, the longest first."""
    texts = set()
    for model in apps.get_models():
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.UUIDField)
        ]
        for row in model._default_manager.values_list(*names):
            texts |= {str(value) for value in row if value}
    yield from sorted((text for text in texts if len(text) > 1), key=len, reverse=True)


def is_data(text: str, data: list[str]) -> bool:
    for known in data:
        text = text.replace(known, " ")
    words = re.findall(r"[^\W\d_][\w./-]*", text)
    return all(word.strip("./-") in SAME_EVERYWHERE or len(word) < 2 for word in words)
