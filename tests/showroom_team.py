"""Rows for pictures of the team, roles, invitations, sign-ins and API keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone

from fabric.models import Machine, MachineGrant
from plans.models import MemberLimit, Subscription
from tenants.actions import api_keys, invitations, roles
from tenants.authority import Place
from tenants.models import ApiKey, Invitation, Membership, Role, Tenant, TenantRole, User
from tests.people import join, make_user

SITE = "portal.urls.tenant"
TOKENS: dict[str, str] = {}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Acts, and pages that somebody without a second factor is led away from.
NO_PICTURES = ("team-settings", "role-delete", "invitation-again", "invitation-withdraw")
NO_PICTURES += ("key-revoke", "session-end", "mfa_deactivate_totp", "mfa_view_recovery_codes")
NO_PICTURES += ("mfa_download_recovery_codes", "mfa_login_webauthn")


def furnish_team(tenant: Tenant, alice: User, bob: User) -> None:
    """Give alice's tenant people in every role, and alice keys and sign-ins."""
    now = timezone.now()
    User.objects.filter(pk=bob.pk).update(name="Bob Baker", last_login=now - timedelta(hours=3))
    totp.TOTP.activate(bob, totp.generate_totp_secret())
    night = roles.create(
        by=alice,
        tenant=tenant,
        name="Night watch",
        description="Keeps machines running after hours",
        given=["Start", "Stop", "Shutdown", "RemoteConnect"],
    )
    roles.create(
        by=alice,
        tenant=tenant,
        name="Finance",
        given=["Subscriptions"],
    )
    dora = make_user("dora.documentation-department@example.net")
    User.objects.filter(pk=dora.pk).update(name="Dora")
    join(tenant, dora, Role.READER)
    erin = join(tenant, make_user("erin@example.net"), Role.CUSTOM, custom_role=night)
    place = Membership.objects.get(user=bob)
    place.all_machines, place.rights = False, ["Start", "Stop", "Checkpoint"]
    place.save()
    for machine in Machine.objects.filter(name__in=("web-01", "web-02")):
        MachineGrant.objects.create(membership=place, machine=machine)
    MemberLimit.objects.create(
        membership=place,
        subscription=Subscription.objects.get(name="Production"),
        machines=3,
        memory_mb=8192,
    )
    invitations.invite(
        by=alice, tenant=tenant, email="frank@example.org", place=Place(Role.APPLICATION)
    )
    _made, TOKENS["new"] = invitations.invite(
        by=alice, tenant=tenant, email="grace@example.org", place=Place(Role.CUSTOM, night)
    )
    _made, TOKENS["mine"] = invitations.invite(
        by=alice, tenant=tenant, email="heidi@example.org", place=Place(Role.READER)
    )
    Invitation.objects.filter(email="frank@example.org").update(expires_at=now)
    _keys(alice, tenant)
    session = SessionStore()
    session.save()
    UserSession.objects.create(
        user=erin, ip="192.0.2.7", user_agent=FIREFOX, session_key=session.session_key or "x"
    )


def _keys(alice: User, tenant: Tenant) -> None:
    for name, scopes in (("Backup", ["read"]), ("Pipeline", ["Create", "Start", "Stop", "Remove"])):
        api_keys.issue(by=alice, tenant=tenant, name=name, scopes=scopes, days=90)
    old, _text = api_keys.issue(by=alice, tenant=tenant, name="Trial", scopes=["read"], days=1)
    api_keys.revoke(by=alice, key=old)
    ApiKey.objects.filter(name="Pipeline").update(last_used_at=timezone.now())


def team_pages() -> Iterator[tuple[str, str]]:
    """Yield name and address of the pages about one of these."""
    bob = Membership.objects.get(user__email="bob@example.net")
    yield "member", reverse("member", urlconf=SITE, args=[bob.pk])
    yield "member-remove", reverse("member-remove", urlconf=SITE, args=[bob.pk])
    yield (
        "role",
        reverse("role", urlconf=SITE, args=[TenantRole.objects.get(name="Night watch").pk]),
    )
    yield "invitation-somebody-else", reverse("invitation", urlconf=SITE, args=[TOKENS["mine"]])
    yield "invitation-new", reverse("invitation", urlconf=SITE, args=[TOKENS["new"]])
