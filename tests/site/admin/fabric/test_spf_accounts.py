"""Accounts of our SPF by their pages: made, changed, removed, and what they lack in words."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.models import Provider
from fabric.spf import accounts as door
from fabric.spf import readiness, throttle
from fabric.spf.actions import create_account, register_vmm_server
from fabric.spf.actions.stamps import create_stamp
from fabric.spf.models import Account, Group, ServerEntry
from fabric.vmm.actions import userroles
from fabric.vmm.models import RoleProfile, Server
from tenants.models import Operation
from tests.factories.fabric import make_stamp
from tests.factories.vmm import ADMINISTRATOR
from tests.site.admin.fabric.typing_in import typed
from tests.unit.fabric.spf.test_accounts import header

LIST, NEW, CHECK = "/fabric/spf/accounts/", "/fabric/spf/accounts/new/", "/fabric/spf/"
SECRET = "Canary-spf-9-long"
GOOD = {
    "username": "billing",
    "password": SECRET,
    "groups": [Group.USAGE],
    "is_active": "on",
}
MOST_QUERIES = 36


@pytest.fixture(autouse=True)
def _fresh():
    door.forget_all()
    cache.clear()


@pytest.fixture
def portal(db) -> Account:
    return create_account("portal", SECRET)


@pytest.fixture
def endpoint(portal, fabric) -> Provider:
    """Return the endpoint registered here that signs in as portal at our SPF."""
    ours = register_vmm_server(fabric.server.name)
    return make_stamp(id=ours.pk, name=ours.name).provider


def url(row: Account, page: str = "") -> str:
    return f"{LIST}{row.pk}/{page}"


def may_sign_in(name: str, password: str) -> bool:
    try:
        return bool(door.sign_in(header(name, password), "192.0.2.1"))
    except door.NotSignedIn:
        return False


def logged() -> str:
    return str(list(Operation.objects.values_list("action", "parameters", "message")))


def once(page: str) -> str:
    """Return the password that a page shows."""
    return re.search(r'id="id_made" value="([^"]+)"', page)[1]


def test_without_accounts_the_list_and_the_check_say_what_to_do(site, fabric) -> None:
    assert "No SPF account yet" in site.get(LIST).content.decode()
    assert "Nobody can call SPF yet" in site.get(CHECK).content.decode()


def test_spf_is_looked_after_without_a_vmm_server_too(site, portal) -> None:
    for there in (LIST, NEW, CHECK, url(portal), url(portal, "edit/"), url(portal, "remove/")):
        page = site.get(there)
        assert page.status_code == 200
        assert "No built-in VMM server here" not in page.content.decode()


def test_a_typed_password_signs_in_and_is_shown_nowhere(site, fabric) -> None:
    response = site.post(NEW, GOOD)
    row = Account.objects.get()
    assert response.url == url(row)
    assert (row.groups, row.is_vmm_administrator) == ([Group.USAGE], False)
    assert may_sign_in("billing", SECRET)
    shown = site.get(url(row)).content.decode() + site.get(url(row, "edit/")).content.decode()
    assert SECRET not in shown + logged()
    assert "fabric.spf-account.add" in logged()


def test_a_password_made_here_is_shown_once(site, fabric) -> None:
    page = site.post(NEW, GOOD | {"password": ""})
    assert "no-store" in page.headers["Cache-Control"]
    secret = once(page.content.decode())
    assert may_sign_in("billing", secret)
    row = Account.objects.get()
    again = site.get(url(row)).content.decode() + site.get(LIST).content.decode()
    assert secret not in again + logged()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"username": "a:b"}, "username"),
        ({"username": "portal"}, "username"),
        ({"username": ""}, "username"),
        ({"password": "too-short"}, "password"),
        ({"groups": ["Administrators"]}, "groups"),
    ],
)
def test_a_bad_value_is_named_at_its_field_and_nothing_typed_is_lost(
    site, fabric, portal, wrong, field
) -> None:
    response = site.post(NEW, GOOD | wrong)
    assert list(response.context["form"].errors) == [field]
    assert SECRET not in response.content.decode()
    if field != "groups":
        assert typed(response.content)["groups"] == [Group.USAGE]
    assert Account.objects.count() == 1


def test_a_change_is_made_and_the_rest_stays(site, portal, fabric) -> None:
    before = typed(site.get(url(portal, "edit/")).content)
    assert before["groups"] == [group.value for group in Group]
    site.post(url(portal, "edit/"), before | {"groups": [Group.ADMIN, Group.VMM]})
    now = Account.objects.get()
    assert now.groups == [Group.ADMIN, Group.VMM]
    assert (now.is_active, now.is_vmm_administrator) == (True, True)
    assert may_sign_in("portal", SECRET)
    told = Operation.objects.get(action="fabric.spf-account.change", phase="succeeded")
    assert set(told.parameters) == {"groups"}


@pytest.mark.parametrize("wanted", ["Another-long-one", ""])
def test_a_new_password_ends_the_old_one(site, portal, fabric, wanted) -> None:
    page = site.post(url(portal, "password/"), {"password": wanted}, follow=True).content.decode()
    assert may_sign_in("portal", wanted or once(page))
    assert not may_sign_in("portal", SECRET)
    assert "Another-long-one" not in page + logged()
    assert "fabric.spf-account.password" in logged()


def test_an_account_is_disabled_and_enabled(site, portal, fabric) -> None:
    site.post(url(portal, "do/"), {"verb": "disable"})
    assert not may_sign_in("portal", SECRET)
    assert "It is disabled." in site.get(url(portal)).content.decode()
    site.post(url(portal, "do/"), {"verb": "enable"})
    assert may_sign_in("portal", SECRET)
    site.post(url(portal, "do/"), {"verb": "explode"})
    assert "There is no such command" in site.get(url(portal)).content.decode()


def test_one_is_removed_after_being_asked(site, portal, fabric) -> None:
    assert "portal" in site.get(url(portal, "remove/")).content.decode()
    assert site.post(url(portal, "remove/")).url == LIST
    assert not Account.objects.exists()
    assert site.get(url(portal)).status_code == 404


def test_what_signs_in_with_an_account_is_named_and_not_locked_out(site, portal, endpoint) -> None:
    for page in ("", "remove/", "password/"):
        assert endpoint.name in site.get(url(portal, page)).content.decode()
    refused = site.post(url(portal, "remove/")).content.decode()
    assert "portal is the only account that administers VMM" in refused
    site.post(url(portal, "do/"), {"verb": "disable"})
    assert "is the only account that administers VMM" in site.get(url(portal)).content.decode()
    assert (
        "is the only account"
        in site.post(
            url(portal, "edit/"), {"groups": [Group.ADMIN], "is_active": "on"}
        ).content.decode()
    )
    assert Account.objects.get().is_active
    create_account("second", SECRET)
    site.post(url(portal, "remove/"))
    assert Account.objects.get().username == "second"


def test_what_an_endpoint_lacks_leads_to_its_account(site, portal, endpoint) -> None:
    refused = {
        "service": "Usage",
        "group": "SPF_Usage",
        "ok": False,
        "problem": "No.",
        "advice": "",
    }
    Provider.objects.update(account_check=[refused])
    page = f"/vm-clouds/endpoints/{endpoint.pk}/"
    assert f'href="{url(portal)}"' in site.get(page).content.decode()
    Provider.objects.update(username="somebody")
    assert f'href="{url(portal)}"' not in site.get(page).content.decode()


def test_only_what_signs_in_from_here_needs_all_of_it(site, portal, endpoint) -> None:
    billing = create_account("billing", SECRET, [Group.USAGE], False)
    assert "Lacks" not in site.get(url(billing)).content.decode()
    Account.objects.filter(pk=portal.pk).update(groups=[Group.VMM])
    assert "Lacks 3 things" in site.get(url(portal)).content.decode()


def test_an_endpoint_elsewhere_with_the_same_name_holds_nothing(site, portal, fabric) -> None:
    make_stamp()
    assert "no endpoint registered here" in site.get(url(portal)).content.decode()
    site.post(url(portal, "remove/"))
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (Group.ADMIN, "A portal can register no VMM server"),
        (Group.VMM, "A portal sees no cloud"),
        (Group.PROVIDER, "Announcements of subscriptions and quotas are refused."),
        (Group.USAGE, "Billing cannot read usage records."),
    ],
)
def test_what_a_missing_group_closes_is_said(site, portal, endpoint, group, words) -> None:
    def missing() -> str:
        page = site.get(url(portal)).content.decode()
        return page.partition('id="missing"')[2].partition("</section>")[0]

    assert "every service answers this account" in missing()
    Account.objects.update(groups=[each for each in Group if each != group])
    assert f"It is not in {group}." in missing()
    assert words in missing()
    assert words in site.get(CHECK).content.decode()


def test_what_else_is_missing_is_said(site, portal, endpoint, monkeypatch) -> None:
    Account.objects.update(is_vmm_administrator=False)
    create_stamp("empty")
    entry = ServerEntry.objects.create(name="vmm-gone.example.net")
    entry.stamps.add(create_stamp("lost"))
    monkeypatch.setattr(readiness, "problems", lambda: ["Its database account spf lacks UPDATE."])
    for there in (url(portal), CHECK):
        page = site.get(there).content.decode()
        for words in (
            "It does not administer VMM.",
            "The stamp empty has no VMM server.",
            "The VMM server vmm-gone.example.net of the stamp lost does not exist.",
            "Its database account spf lacks UPDATE.",
        ):
            assert words in page


def test_a_fabric_without_stamps_says_so(site, portal, fabric) -> None:
    assert "SPF knows no stamp." in site.get(CHECK).content.decode()


def test_a_vmm_server_that_was_removed_is_missed(site, portal, endpoint) -> None:
    Server.objects.update(name="other.example.net")
    assert "does not exist" in site.get(CHECK).content.decode()


def test_when_it_was_used_and_refused_is_shown(site, portal, fabric) -> None:
    page = site.get(url(portal)).content.decode()
    never = page.count("never")
    assert "not within a day" in page
    may_sign_in("portal", SECRET)
    for _ in range(2):
        may_sign_in("portal", "guess")
    page = site.get(url(portal)).content.decode()
    assert page.count("never") == never - 1, "it was used"
    assert "2 times within a day" in page
    assert "192.0.2.1" in page
    assert throttle.lately("portal").number == 2


def test_the_list_filters_and_sorts(site, portal, fabric) -> None:
    create_account("billing", SECRET, [Group.USAGE], False)

    def names(query: str) -> list[str]:
        return [row.username for row in site.get(f"{LIST}?{query}").context["page"].rows]

    assert names("") == ["billing", "portal"]
    assert names("group=SPF_Admin") == ["portal"]
    assert names("is_vmm_administrator=0") == ["billing"]
    assert names("q=bill") == ["billing"]
    may_sign_in("portal", SECRET)
    assert names("sort=-used") == ["portal", "billing"]
    assert names("sort=nothing&group=x&q=%00") == ["billing", "portal"]


def test_a_reader_sees_pages_without_commands_and_changes_nothing(site, portal, olga, fabric):
    userroles.add(
        ADMINISTRATOR, name="Readers", profile=RoleProfile.READ_ONLY, members=[olga.email]
    )
    assert site.get(url(portal)).context["commands"] == []
    assert "New SPF account" not in site.get(CHECK).content.decode()
    for there in (NEW, url(portal, "edit/"), url(portal, "remove/"), url(portal, "password/")):
        assert site.post(there, {"password": SECRET}).status_code == 403
    assert site.post(url(portal, "do/"), {"verb": "disable"}).status_code == 403
    assert Account.objects.get().is_active


def test_more_accounts_and_stamps_cost_no_more_queries(site, portal, endpoint) -> None:
    def queries(there: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert site.get(there).status_code == 200
        return len(captured)

    pages = [LIST, NEW, CHECK, url(portal), url(portal, "edit/"), url(portal, "remove/")]
    few = {page: queries(page) for page in pages}
    for number in range(3):
        create_account(f"more{number}", SECRET)
        create_stamp(f"stamp{number}")
        make_stamp(friendly_name=f"Site {number}")
    assert {page: queries(page) for page in pages} == few
    assert max(few.values()) <= MOST_QUERIES, few
