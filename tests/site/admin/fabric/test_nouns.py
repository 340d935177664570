"""Every noun of the fabric by its own pages: listed, made, changed, removed, and refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fabric.vmm.actions import userroles
from fabric.vmm.models import RoleProfile
from portal.admin_site.fabric.nouns import NOUNS, noun_of
from tenants.models import Operation
from tests.factories.nouns import SECRET, one_of_each
from tests.factories.vmm import ADMINISTRATOR, make_fabric
from tests.site.admin.fabric.samples import SAMPLES, Made
from tests.site.admin.fabric.typing_in import as_sent, typed

MADE = [noun.key for noun in NOUNS if noun.actions.add is not None and not noun.own_names]
LISTED = [noun.key for noun in NOUNS if not noun.parent and not noun.own_names]
EMPTY = {"library-server": "No library server yet."}
BUDGET = 60_000
MOST_QUERIES = 36


@pytest.fixture
def made(fabric) -> Made:
    return one_of_each(fabric)


def url(key: str, page: str = "", row: Any = None) -> str:
    start = f"/fabric/{noun_of(key).path}/"
    return start + (f"{row.pk}/" if row is not None else "") + (f"{page}/" if page else "")


def texts(form: Any) -> dict[str, str]:
    return {name: " ".join(errors) for name, errors in form.errors.items()}


def test_every_noun_has_a_sample() -> None:
    assert set(SAMPLES) == set(MADE)


@pytest.mark.parametrize("key", [key for key in LISTED if noun_of(key).needs_server])
def test_a_list_with_nothing_says_what_would_be_there(site, vault, key) -> None:
    from fabric.vmm.actions import servers

    servers.ensure("vmm.example.net")
    page = site.get(url(key))
    assert page.status_code == 200
    says = EMPTY.get(key) or str(noun_of(key).about)
    assert says in page.content.decode()


@pytest.mark.parametrize("key", LISTED)
def test_a_list_shows_filters_and_sorts(site, made, key) -> None:
    noun = noun_of(key)
    page = site.get(url(key))
    assert page.context["page"].rows
    assert len(page.content) < BUDGET
    for word in noun.sorts:
        assert site.get(f"{url(key)}?sort=-{word}").status_code == 200
    found = site.get(f"{url(key)}?q=no-such-thing")
    assert not found.context["page"].rows
    assert "Nothing fits the filter" in found.content.decode()


@pytest.mark.parametrize("key", MADE)
def test_a_good_form_makes_one_and_the_log_tells(site, made, key) -> None:
    good = SAMPLES[key].good(made)
    form = site.get(url(key, "new"))
    assert len(form.content) < BUDGET
    response = site.post(url(key, "new"), good)
    assert response.status_code == 302, texts(response.context["form"])
    row = noun_of(key).model.objects.get(name=good["name"])
    shown = site.get(response.url)
    assert shown.context["row"] == row
    assert response.url == url(key, row=row)
    log = Operation.objects.filter(object_id=str(row.pk), action=f"fabric.{key}.add")
    assert sorted(log.values_list("phase", flat=True)) == ["started", "succeeded"]


@pytest.mark.parametrize("key", MADE)
def test_a_bad_value_is_named_at_its_field_and_nothing_typed_is_lost(site, made, key) -> None:
    sample = SAMPLES[key]
    response = site.post(url(key, "new"), sample.good(made) | sample.bad)
    assert list(response.context["form"].errors) == list(sample.bad)
    kept = typed(response.content)
    secrets = response.context["form"].secrets
    for name, values in as_sent(sample.good(made)).items():
        if name not in sample.bad and name not in secrets:
            assert sorted(kept[name]) == sorted(values)


@pytest.mark.parametrize("key", [key for key in MADE if SAMPLES[key].spoils])
def test_what_vmm_refuses_is_said_at_the_field_and_logged(site, made, key) -> None:
    sample = SAMPLES[key]
    before = noun_of(key).model.objects.count()
    response = site.post(url(key, "new"), sample.good(made) | sample.spoils(made))
    said = texts(response.context["form"])
    assert said
    assert "__all__" not in said
    assert noun_of(key).model.objects.count() == before
    end = Operation.objects.filter(action=f"fabric.{key}.add", phase="failed").get()
    assert end.message in " ".join(said.values())


@pytest.mark.parametrize("key", MADE)
def test_a_change_is_made_and_the_rest_stays(site, made, key) -> None:
    sample = SAMPLES[key]
    site.post(url(key, "new"), sample.good(made))
    row = noun_of(key).model.objects.get(name=sample.good(made)["name"])
    page = site.get(url(key, "edit", row))
    assert len(page.content) < BUDGET
    before = typed(page.content)
    response = site.post(url(key, "edit", row), before | sample.change)
    assert response.status_code == 302, texts(response.context["form"])
    told = Operation.objects.get(action=f"fabric.{key}.change", phase="succeeded").parameters
    assert set(told) == {name.split("-")[0] for name in sample.change}
    assert typed(site.get(url(key, "edit", row)).content) == before | as_sent(sample.change)


@pytest.mark.parametrize("key", MADE)
def test_saving_what_was_not_changed_asks_vmm_for_nothing(site, made, key) -> None:
    row = made[key]
    response = site.post(url(key, "edit", row), typed(site.get(url(key, "edit", row)).content))
    assert response.status_code == 302, texts(response.context["form"])
    log = Operation.objects.filter(action=f"fabric.{key}.change")
    assert not log.exists()


@pytest.mark.parametrize("key", MADE)
def test_one_is_removed_after_being_asked(site, made, key) -> None:
    sample = SAMPLES[key]
    site.post(url(key, "new"), sample.good(made))
    row = noun_of(key).model.objects.get(name=sample.good(made)["name"])
    page = site.get(url(key, "remove", row))
    assert row.name in page.content.decode()
    if noun_of(key).loses_data:
        wrong = site.post(url(key, "remove", row), {"confirm": "something else"})
        assert list(wrong.context["form"].errors) == ["confirm"]
    response = site.post(url(key, "remove", row), {"confirm": row.name})
    assert response.status_code == 302
    assert site.get(response.url).status_code == 200
    assert not noun_of(key).model.objects.filter(pk=row.pk).exists()
    assert site.get(url(key, row=row)).status_code == 404


@pytest.mark.parametrize("key", [key for key in MADE if SAMPLES[key].is_used])
def test_what_is_in_use_stays_and_who_uses_it_is_named(site, made, key) -> None:
    response = site.post(url(key, "remove", made[key]), {"confirm": made[key].name})
    assert response.status_code == 200
    assert made[key].name in response.context["problem"]
    assert noun_of(key).model.objects.filter(pk=made[key].pk).exists()


@pytest.mark.parametrize("key", MADE)
def test_secrets_never_come_back(site, made, key) -> None:
    """Neither to a page nor into the log."""
    sample = SAMPLES[key]
    spoiled = sample.good(made) | sample.bad
    site.post(url(key, "new"), sample.good(made))
    pages = [site.post(url(key, "new"), spoiled)]
    pages += [site.get(url(key, page, made[key])) for page in ("", "edit")]
    shown = " ".join(page.content.decode() for page in pages)
    logged = str(list(Operation.objects.values_list("parameters", "message")))
    for secret in (SECRET, "Tr0ub4dor"):
        assert secret not in shown + logged


@pytest.mark.parametrize("key", MADE)
def test_a_reader_sees_pages_without_commands_and_changes_nothing(site, made, olga, key) -> None:
    userroles.add(
        ADMINISTRATOR, name="Readers", profile=RoleProfile.READ_ONLY, members=[olga.email]
    )
    noun = noun_of(key)
    page = site.get(url(key, row=made[key]))
    assert page.status_code == 200
    assert page.context["commands"] == []
    if not noun.parent:
        assert "new_url" not in site.get(url(key)).context
    for there in (url(key, "new"), url(key, "edit", made[key]), url(key, "remove", made[key])):
        refused = site.post(there, {"confirm": made[key].name})
        assert refused.status_code == 403
        assert "change nothing of it" in refused.content.decode()
    assert noun.model.objects.filter(pk=made[key].pk).exists()


@pytest.mark.parametrize("key", MADE)
def test_neither_visitors_nor_tenants_come_in(made, visitor, as_alice, key) -> None:
    for there in (url(key, "new"), url(key, row=made[key])):
        assert visitor.get(there).status_code == 302
        assert as_alice.get(there).status_code == 403


def queries(site: Client, there: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert site.get(there).status_code == 200
    return len(captured)


@pytest.mark.parametrize("key", MADE)
def test_more_rows_cost_no_more_queries(site, made, key) -> None:
    pages = [url(key, row=made[key]), url(key, "edit", made[key]), url(key, "new")]
    pages += [] if noun_of(key).parent else [url(key)]
    pages += [f"{pages[0]}?tab={related.key}" for related in noun_of(key).related]
    few = {page: queries(site, page) for page in pages}
    for number in range(3):
        again = SAMPLES[key].good(made) | SAMPLES[key].more(number)
        assert site.post(url(key, "new"), again).status_code == 302
    assert {page: queries(site, page) for page in pages} == few
    assert max(few.values()) <= MOST_QUERIES, few


def test_pages_stay_on_the_server_in_view(site, made) -> None:
    other = make_fabric()
    name = other.server.name
    page = site.get(f"/fabric/clouds/?server={name}")
    assert [row.pk for row in page.context["page"].rows] == [other.cloud.pk]
    assert page.context["new_url"] == f"/fabric/clouds/new/?server={name}"
    assert f"/fabric/hosts/?server={name}" in page.content.decode()
    groups = site.get(page.context["new_url"]).context["form"].fields["host_groups"].queryset
    assert set(groups) == {other.group}
    shown = site.get(f"/fabric/clouds/{other.cloud.pk}/")
    assert f"/fabric/hosts/?server={name}" in shown.content.decode()


def test_without_a_vmm_server_the_section_explains_itself(site) -> None:
    for there in ("/fabric/", "/fabric/hosts/", "/fabric/clouds/new/"):
        page = site.get(there)
        assert page.status_code == 200
        assert "No built-in VMM server here" in page.content.decode()
        assert "/fabric/servers/new/" in page.content.decode()


def test_a_fabric_begins_with_a_vmm_server(site) -> None:
    assert "No VMM server yet" in site.get("/fabric/servers/").content.decode()
    wrong = site.post("/fabric/servers/new/", {"name": "vmm 1"})
    assert "no host name" in texts(wrong.context["form"])["name"]
    made = site.post("/fabric/servers/new/", {"name": "VMM02.example.net"})
    assert "vmm02.example.net" in site.get(made.url).content.decode()
    assert "New host group" in site.get("/fabric/host-groups/").content.decode()


@pytest.mark.parametrize("query", ["q=%00", "share=x&kind=y", "after=%C3%A9", "server=nowhere"])
def test_lists_take_nonsense_for_nothing(site, made, query) -> None:
    for key in LISTED:
        assert site.get(f"{url(key)}?{query}&tab=nothing&health=%00&group=1").status_code == 200
