"""The description: valid OpenAPI 3.1, served to programs, shown to people in pages."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema

from portal.api import reference
from portal.api.frame.openapi import document
from portal.problems import KINDS
from tests.site.test_matrix import addresses

pytestmark = pytest.mark.django_db
BUDGET = 60_000


def operations():
    for methods in document()["paths"].values():
        yield from methods.values()


@pytest.mark.slow
def test_it_is_openapi():
    assert document()["openapi"] == "3.1.0"
    validate_schema(document())


def test_every_operation_has_an_id_a_tag_and_its_ends():
    ids = Counter(one["operationId"] for one in operations())
    assert [name for name, count in ids.items() if count > 1] == []
    for one in operations():
        assert one["tags"]
        assert one["summary"]
        assert any(status < "300" for status in one["responses"])
        assert {"401", "429"} <= set(one["responses"])


def test_every_address_is_described_or_a_page_about_it():
    known = {name for name in addresses("tenant") if name.startswith("api-")}
    pages = {"api-docs", "api-docs-tag", "api-docs-problems", "api-nowhere"}
    pages |= {"api-openapi-json", "api-openapi-yaml"}
    assert len(known - pages) == len(document()["paths"])


def test_no_two_objects_have_one_name(capsys):
    document.cache_clear()
    document()
    assert "Warning" not in capsys.readouterr().err


def test_programs_read_it_without_a_key(client):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert json.loads(answer.content)["paths"].keys() == document()["paths"].keys()
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/api/v1/openapi.yaml").content.startswith(b"openapi: 3.1.0")


def test_it_is_the_same_in_every_language(client):
    german = client.get("/api/v1/openapi.json", headers={"Accept-Language": "de"})
    assert german.content == client.get("/api/v1/openapi.json").content


def test_the_pages_are_for_who_is_signed_in(client):
    for page in ("", "problems/", "machines/"):
        assert client.get(f"/api/v1/docs/{page}").status_code == 302


def test_every_operation_is_on_a_page_of_its_noun(alice, django_assert_max_num_queries):
    browser = Client()
    browser.force_login(alice)
    index = browser.get("/api/v1/docs/").content.decode()
    for slug, tag in reference.tags().items():
        with django_assert_max_num_queries(12):
            page = browser.get(f"/api/v1/docs/{slug}/")
        assert len(page.content) <= BUDGET, f"{slug}: {len(page.content)}"
        shown = page.content.decode()
        assert "<script>" not in shown
        assert " style=" not in shown
        for one in tag.operations:
            assert f'id="{one.id}"' in shown
            assert f"/api/v1/docs/{slug}/#{one.id}" in index
    assert browser.get("/api/v1/docs/nothing/").status_code == 404


def test_every_problem_leads_to_its_explanation(alice):
    browser = Client()
    browser.force_login(alice)
    shown = browser.get("/api/v1/docs/problems/").content.decode()
    assert all(f'id="{code}"' in shown for code in KINDS)
