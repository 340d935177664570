"""API keys: shown once, limited to what their owner may do, gone when they should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.actions import api_keys
from tenants.errors import NotPermitted, Refused
from tenants.models import ApiKey, Membership, Operation
from tenants.rights import rights_of


def issue(by, tenant, scopes=("Start",), days=30):
    return api_keys.issue(by=by, tenant=tenant, name="Nightly", scopes=scopes, days=days)


def test_a_key_is_found_by_its_text_alone(bob, alices, django_assert_num_queries) -> None:
    key, text = issue(bob, alices)
    assert text.startswith(key.prefix)
    found = api_keys.find(text)
    assert found == key
    assert rights_of(found.user, alices) == {"Start"}
    with django_assert_num_queries(1):  # its use was noted a moment ago
        api_keys.find(text)
    for wrong in ("", text[:-1], text + "x", key.prefix, text.swapcase(), "x" * 5000, "katal_\0"):
        assert api_keys.find(wrong) is None


def test_its_text_is_nowhere(bob, alices) -> None:
    key, text = issue(bob, alices)
    proof = text.removeprefix(key.prefix)
    rows = [*ApiKey.objects.values(), *Operation.objects.values()]
    assert proof not in str(rows)
    assert proof not in repr(key)
    assert set(Operation.objects.values_list("action", flat=True)) == {"api_key.issue"}


@pytest.mark.parametrize("days", [0, 366, -1])
def test_a_key_lives_between_a_day_and_a_year(bob, alices, days) -> None:
    with pytest.raises(Refused, match="365"):
        issue(bob, alices, days=days)


def test_nobody_gives_a_key_what_they_lack(bob, dora, alices, charlie) -> None:
    with pytest.raises(NotPermitted):
        issue(bob, alices, ["Start", "Team"])
    with pytest.raises(NotPermitted):
        issue(dora, alices, ["Start"])
    with pytest.raises(NotPermitted):
        issue(charlie, alices, ["read"])
    with pytest.raises(Refused):
        issue(bob, alices, [])
    key, _text = issue(dora, alices, ["read"])
    assert key.is_read_only


def test_a_key_cannot_make_keys(alice, alices) -> None:
    alice.key, _text = issue(alice, alices, ["Team"])
    with pytest.raises(NotPermitted):
        issue(alice, alices, ["Team"])


def test_a_key_ends_when_its_time_is_over(bob, alices) -> None:
    key, text = issue(bob, alices)
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api_keys.find(text) is None


def test_a_key_ends_with_its_owners_place_in_the_tenant(bob, alices) -> None:
    _key, text = issue(bob, alices)
    Membership.objects.filter(user=bob).delete()
    assert api_keys.find(text) is None


def test_a_key_ends_with_its_owners_account(bob, alices) -> None:
    _key, text = issue(bob, alices)
    bob.is_active = False
    bob.save()
    assert api_keys.find(text) is None


def test_a_demoted_owner_has_a_weaker_key(bob, alices) -> None:
    _key, text = issue(bob, alices, ["Start", "Stop"])
    Membership.objects.filter(user=bob).update(rights=["Stop"])
    assert rights_of(api_keys.find(text).user, alices) == {"Stop"}


def test_its_owner_and_the_team_may_revoke_it_nobody_else(bob, alice, dora, alices) -> None:
    key, text = issue(bob, alices)
    with pytest.raises(NotPermitted):
        api_keys.revoke(by=dora, key=key)
    api_keys.revoke(by=alice, key=key)
    api_keys.revoke(by=alice, key=key)
    assert api_keys.find(text) is None
    assert Operation.objects.filter(action="api_key.revoke", phase="succeeded").count() == 1
