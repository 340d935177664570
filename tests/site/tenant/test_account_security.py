"""Second factors, sign-ins, and teams that insist: what a password alone still opens."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tenants.actions import api_keys, invitations
from tenants.authority import Place
from tenants.models import Operation, Role, Tenant, User
from tests.people import PASSWORD

JSON = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}


@pytest.fixture(autouse=True)
def _no_old_counts():
    cache.clear()


def sign_in(user: User, password: str = PASSWORD) -> Client:
    """Return a browser that has typed address and password."""
    browser = Client()
    browser.post(reverse("account_login"), {"login": user.email, "password": password})
    return browser


def is_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def code_of(secret: str) -> str:
    return totp.format_hotp_value(
        totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time()))
    )


def confirm(browser: Client) -> None:
    """Show once more who one is, as pages that change factors want."""
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def set_up_app(browser: Client) -> str:
    """Set up an authenticator app; return its secret."""
    confirm(browser)
    secret = browser.get(reverse("mfa_activate_totp")).context["form"].secret
    answer = browser.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert answer.url == reverse("mfa_view_recovery_codes")
    return secret


@pytest.fixture
def secret(vault, alice) -> str:
    """Give alice an authenticator app; return its secret."""
    kept = totp.TOTP.activate(alice, secret := totp.generate_totp_secret())
    assert kept.instance.pk
    return secret


def test_an_app_is_set_up_with_codes_for_the_day_it_is_lost(transactional_db, vault, alice) -> None:
    browser = sign_in(alice)
    confirm(browser)
    page = browser.get(reverse("mfa_activate_totp"))
    assert 'src="data:image/svg+xml;base64,' in page.text
    wrong = browser.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert "not right" in wrong.text
    secret = set_up_app(browser)
    shown = browser.get(reverse("mfa_view_recovery_codes"))
    codes = shown.context["unused_codes"]
    assert len(codes) == 10
    assert all(code in shown.text for code in codes)
    again = browser.get(reverse("mfa_view_recovery_codes"))
    assert not any(code in again.text for code in codes)
    assert secret not in str(list(Authenticator.objects.values()))
    told = Operation.objects.filter(action="user.second_factor_added", phase="succeeded")
    assert told.count() == 2
    assert secret not in str(list(told.values()))
    assert "authenticator app was set up" in mail.outbox[0].body


def test_the_password_alone_is_not_enough_then(alice, secret) -> None:
    browser = sign_in(alice)
    assert not is_in(browser)
    assert browser.get(reverse("overview")).status_code == 302
    page = browser.get(reverse("mfa_authenticate"))
    assert "One more step" in page.text
    wrong = browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "not right" in wrong.text
    assert not is_in(browser)
    before = browser.session.session_key
    browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert is_in(browser)
    assert browser.session.session_key != before


def test_a_code_opens_once(alice, secret) -> None:
    code = code_of(secret)
    first, second = sign_in(alice), sign_in(alice)
    first.post(reverse("mfa_authenticate"), {"code": code})
    second.post(reverse("mfa_authenticate"), {"code": code})
    assert (is_in(first), is_in(second)) == (True, False)


def test_guessing_codes_is_stopped(alice, secret, settings) -> None:
    del settings.ACCOUNT_RATE_LIMITS
    browser = sign_in(alice)
    for _try in range(12):
        browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    page = browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert not is_in(browser)
    assert "Too many" in page.text


@pytest.mark.parametrize("code", ["", "x", "\0", "1" * 5000, "é", "١٢٣٤٥٦"])
def test_a_code_that_is_none_is_refused(alice, secret, code) -> None:
    browser = sign_in(alice)
    assert browser.post(reverse("mfa_authenticate"), {"code": code}).status_code == 200
    assert not is_in(browser)


@pytest.mark.parametrize(
    "credential",
    ["", "x", "{}", "[]", "null", "1", '{"id": 1}', '{"id":"a","rawId":"a","response":{}}',
     '{"id":"YQ","rawId":"YQ","type":"public-key","response":{"clientDataJSON":"YQ",'
     '"authenticatorData":"YQ","signature":"YQ","userHandle":"YQ"}}',
     '{"response":[]}', '{"response":{"userHandle":7}}'],
)  # fmt: skip
def test_a_passkey_that_is_none_is_refused(vault, alice, secret, credential) -> None:
    browser = sign_in(alice)
    browser.get(reverse("mfa_authenticate"))
    answer = browser.post(reverse("mfa_authenticate"), {"credential": credential})
    assert answer.status_code == 200
    stranger = Client()
    stranger.get(reverse("mfa_login_webauthn"), headers=JSON)
    answer = stranger.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert answer.status_code == 302
    assert not is_in(browser)
    assert not is_in(stranger)


@pytest.mark.parametrize("credential", ["", "x", "{}", "[]", "1", '{"id":"a","response":{}}'])
def test_no_passkey_is_added_from_nonsense(vault, alice, credential) -> None:
    browser = sign_in(alice)
    confirm(browser)
    assert browser.get(reverse("mfa_add_webauthn")).status_code == 200
    answer = browser.post(reverse("mfa_add_webauthn"), {"name": "k", "credential": credential})
    assert answer.status_code == 200
    assert not Authenticator.objects.exists()


def test_a_reset_password_does_not_get_around_it(alice, secret) -> None:
    browser = Client()
    browser.post(reverse("account_reset_password"), {"email": alice.email})
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[0].body)[1]
    page = browser.get(link, follow=True)
    new = "Another-Horse-8"
    browser.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert not is_in(browser)
    browser = sign_in(alice, new)
    assert not is_in(browser)


def test_factors_are_changed_only_by_who_has_just_shown_who_they_are(vault, as_alice) -> None:
    for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"):
        answer = as_alice.get(reverse(name))
        assert answer.url.startswith(reverse("account_reauthenticate"))


def test_turning_it_off_leaves_nothing_behind(alice, secret, vault) -> None:
    browser = sign_in(alice)
    browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    confirm(browser)
    browser.post(reverse("mfa_generate_recovery_codes"))
    assert Authenticator.objects.count() == 2
    browser.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert is_in(sign_in(alice))


@pytest.fixture
def strict(alices) -> Tenant:
    """Return alice's tenant, which requires a second factor."""
    Tenant.objects.filter(pk=alices.pk).update(requires_second_factor=True)
    return alices


def test_a_strict_team_leads_its_members_to_setting_one_up(vault, strict, bob, machine) -> None:
    browser = sign_in(bob)
    for url in (reverse("overview"), reverse("machine", args=[machine.pk]), reverse("team")):
        assert browser.get(url).url == reverse("mfa_index")
        assert browser.post(url).url == reverse("mfa_index")
    assert "Your team requires" in browser.get(reverse("mfa_index")).text
    told = browser.get("/api/v1/machines/")
    assert (told.status_code, "second factor" in told.json()["detail"]) == (403, True)
    fragment = browser.get(reverse("overview"), headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"] == reverse("mfa_index")
    set_up_app(browser)
    assert browser.get(reverse("overview")).status_code == 200
    assert browser.get("/api/v1/machines/").status_code == 200


def test_a_strict_team_keeps_out_of_invitations_too(vault, strict, alice) -> None:
    invitation, _token = invitations.invite(
        by=alice, tenant=strict, email="erin@example.net", place=Place(Role.READER)
    )
    browser = sign_in(alice)
    for name in ("invitation-again", "invitation-withdraw"):
        assert browser.post(reverse(name, args=[invitation.pk])).url == reverse("mfa_index")
    invitation.refresh_from_db()
    assert invitation.is_open


def test_asking_costs_no_query(strict, secret, alice, vault, django_assert_num_queries) -> None:
    browser = sign_in(alice)
    browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    Tenant.objects.update(requires_second_factor=False)
    with django_assert_num_queries(2):  # the session and the person, no third
        browser.get("/theme/")


def test_keys_of_who_lacks_it_open_nothing_of_a_strict_team(bob, alices) -> None:
    _key, text = api_keys.issue(by=bob, tenant=alices, name="k", scopes=["read"], days=1)
    assert api_keys.find(text)
    Tenant.objects.update(requires_second_factor=True)
    assert api_keys.find(text) is None


def test_other_teams_are_not_asked(strict, charlie, machine) -> None:
    assert sign_in(charlie).get(reverse("overview")).status_code == 200


def test_sign_ins_are_listed_and_ended(vault, alice) -> None:
    here, there = sign_in(alice), sign_in(alice)
    there.get(reverse("overview"), headers={"User-Agent": "Mozilla Firefox/1 Windows"})
    page = here.get(reverse("usersessions_list"))
    assert page.text.count("This one") == 1
    other = UserSession.objects.exclude(session_key=here.session.session_key).get()
    here.post(reverse("session-end", args=[other.pk]))
    assert there.get(reverse("overview")).status_code == 302
    own = UserSession.objects.get()
    stays = here.post(reverse("session-end", args=[own.pk]), follow=True)
    assert "sign out instead" in stays.text
    third = sign_in(alice)
    here.post(reverse("usersessions_list"))
    assert not is_in(third)
    assert is_in(here)


def test_nobody_ends_another_persons_sign_in(alice, charlie) -> None:
    hers = sign_in(alice)
    own = UserSession.objects.get(user=alice)
    assert sign_in(charlie).post(reverse("session-end", args=[own.pk])).status_code == 404
    assert is_in(hers)


def test_signing_in_gives_a_session_nobody_knew_before(alice) -> None:
    browser = Client()
    browser.get(reverse("account_login"))
    browser.cookies["sessionid"] = "fixed-by-somebody-else-000000000"
    browser.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert is_in(browser)
    assert browser.session.session_key != "fixed-by-somebody-else-000000000"


def test_who_has_an_account_is_not_told(vault, alice, secret, bob) -> None:
    def answer(email: str, password: str) -> str:
        form = {"login": email, "password": password}
        page = Client().post(reverse("account_login"), form)
        tokens = r'value="[A-Za-z0-9]{64}"|value="[^"]+@[^"]+"'
        return f"{page.status_code} {re.sub(tokens, '', page.text)}"

    answers = {answer(email, "wrong") for email in (alice.email, bob.email, "no@example.net")}
    assert len(answers) == 1
    reset = {
        Client().post(reverse("account_reset_password"), {"email": email}).url
        for email in (alice.email, "no@example.net")
    }
    assert len(reset) == 1


def test_a_blocked_account_is_signed_out_at_once(alice) -> None:
    browser = sign_in(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert browser.get(reverse("overview")).status_code == 302


def test_operators_have_second_factors_too(vault, olga, alice, settings) -> None:
    settings.SITE, settings.ROOT_URLCONF = "admin", "portal.urls.admin"
    from django.utils import timezone

    from tenants.models import Instance

    Instance.objects.create(id=1, set_up_at=timezone.now())
    browser = sign_in(olga)
    secret = set_up_app(browser)
    assert "keys/" not in browser.get(reverse("mfa_index")).text
    cache.clear()
    second = sign_in(olga)
    assert not is_in(second)
    second.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert is_in(second)


def test_a_tenants_second_factor_opens_no_admin_site(vault, alice, secret, settings) -> None:
    settings.SITE, settings.ROOT_URLCONF = "admin", "portal.urls.admin"
    from django.utils import timezone

    from tenants.models import Instance

    Instance.objects.create(id=1, set_up_at=timezone.now())
    browser = sign_in(alice)
    browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert not is_in(browser)


def test_language_and_mails_wanted_are_kept(as_alice, alice) -> None:
    form = {"name": "Alice", "language": "de", "time_zone": "", "mail_on": ["team", "failed"]}
    as_alice.post(reverse("account"), form)
    alice.refresh_from_db()
    assert (alice.language, alice.mail_on) == ("de", ["failed", "team"])
    page = as_alice.get(reverse("account"))
    assert '<html lang="de"' in page.text
    wrong = as_alice.post(reverse("account"), form | {"language": "xx", "mail_on": ["spam"]})
    assert set(wrong.context["form"].errors) == {"language", "mail_on"}
