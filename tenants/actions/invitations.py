"""Invite somebody by a mailed link, send it again, withdraw it, accept it.

The token is in the mail only; the database has a digest. Whoever calls sends the mail.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import authority, places
from tenants.actions import operations
from tenants.actions.team import told
from tenants.authority import Place
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Invitation, Membership, Operation, Phase, Tenant, User

GOOD_FOR = timedelta(days=7)
MOST_OPEN = 100
MOST_A_DAY = 200


@transaction.atomic
def invite(
    *, by: User, tenant: Tenant, email: str, place: Place, machines: Collection[str] = ()
) -> tuple[Invitation, str]:
    """Return the invitation and the token of its link. Locks the tenant."""
    tenant = Tenant.objects.select_for_update().get(pk=tenant.pk)
    place = place.cleaned(tenant)
    authority.authority_of(by, tenant).check_gives(place)
    email = email.strip().lower()
    if tenant.memberships.filter(user__emailaddress__in=_proven(email)).exists():
        raise Conflicting(_("%(email)s is on the team already.") % {"email": email}, field="email")
    waiting = tenant.invitations.unanswered()
    if waiting.filter(email=email, expires_at__gt=timezone.now()).exists():
        raise Conflicting(
            _("%(email)s is invited already: send that invitation again.") % {"email": email},
            field="email",
        )
    waiting.filter(email=email).update(revoked_at=timezone.now())
    if waiting.count() >= MOST_OPEN:
        raise Refused(_("%(n)d invitations wait already: withdraw some.") % {"n": MOST_OPEN})
    _check_mailed(tenant)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        tenant=tenant,
        email=email,
        role=place.role,
        custom_role=place.custom_role,
        rights=None if place.rights is None else list(place.rights),
        all_machines=place.all_machines,
        machines=[] if place.all_machines else [str(machine) for machine in machines],
        token_digest=_digest(token),
        invited_by=by,
        expires_at=timezone.now() + GOOD_FOR,
    )
    _log("team.invite", by, invitation)
    return invitation, token


@transaction.atomic
def send_again(*, by: User, invitation: Invitation) -> str:
    """Return a new token, good for seven days from now; the link sent before is void.

    From now on this person vouches for it.
    """
    invitation = _locked(invitation)
    authority.authority_of(by, invitation.tenant).check_gives(_place_of(invitation))
    _check_unanswered(invitation)
    _check_mailed(invitation.tenant)
    token = secrets.token_urlsafe(32)
    invitation.token_digest = _digest(token)
    invitation.expires_at = timezone.now() + GOOD_FOR
    invitation.invited_by = by
    invitation.save(update_fields=["token_digest", "expires_at", "invited_by"])
    _log("team.invite_again", by, invitation)
    return token


@transaction.atomic
def revoke(*, by: User, invitation: Invitation) -> None:
    """Make the link void."""
    invitation = _locked(invitation)
    authority.authority_of(by, invitation.tenant)
    _check_unanswered(invitation)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    _log("team.withdraw_invitation", by, invitation)


def find(token: str) -> Invitation | None:
    """Return the invitation this token opens now. None says nothing of why not."""
    found = (
        Invitation.objects.unanswered()
        .filter(token_digest=_digest(token), expires_at__gt=timezone.now())
        .select_related("tenant", "invited_by", "custom_role")
    )
    return found.first()


def is_for(invitation: Invitation, user: User) -> bool:
    """Tell whether one of a person's confirmed addresses is the invited one."""
    return _proven(invitation.email).filter(user=user).exists()


def account_of(invitation: Invitation) -> User | None:
    """Return whose the invited address is."""
    found = _proven(invitation.email).select_related("user").first()
    return found.user if found else User.objects.filter(email=invitation.email).first()


@transaction.atomic
def accept(*, by: User, token: str) -> tuple[Membership, Invitation]:
    """Make the person a member, if who invited them may still do so. Locks tenant and invitation:
    a link works once."""
    found = find(token)
    invitation = _locked(found) if found else None
    if invitation is None or not invitation.is_open:
        raise Refused(_("This link is used up, withdrawn or too old. Ask for a new one."))
    if by.key is not None or not is_for(invitation, by):
        raise NotPermitted(_("This invitation is for another address than yours."))
    _check_vouched(invitation)
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                tenant=invitation.tenant,
                user=by,
                role=invitation.role,
                custom_role=invitation.custom_role,
                rights=invitation.rights,
                all_machines=invitation.all_machines,
            )
    except IntegrityError as error:
        raise Conflicting(_("You are on this team already.")) from error
    places.forget(by)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    _log("team.join", by, invitation)
    return membership, invitation


@transaction.atomic
def open_account(*, token: str, name: str, password: str) -> User:
    """Return a new person with the invited address, which the mailed link has proven.

    They get no tenant of their own: they come to join one. Call `accept` in the same transaction.
    """
    found = find(token)
    if found is None:
        raise Refused(_("This link is used up, withdrawn or too old. Ask for a new one."))
    invitation = _locked(found)
    user = User(email=invitation.email, name=name.strip())
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="password") from error
    user.set_password(password)
    if account_of(invitation) is not None:
        raise Conflicting(_("%(email)s has an account: sign in.") % {"email": invitation.email})
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflicting(
            _("%(email)s has an account: sign in.") % {"email": invitation.email}
        ) from error
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def _proven(email: str):
    return EmailAddress.objects.filter(email__iexact=email, verified=True)


def _check_vouched(invitation: Invitation) -> None:
    """Refuse what whoever sent the link could not give any more."""
    try:
        if invitation.invited_by is None:
            raise NotPermitted("")
        held = authority.authority_of(invitation.invited_by, invitation.tenant)
        held.check_gives(_place_of(invitation))
    except NotPermitted as error:
        raise Refused(
            _("Who invited you may not do so any more. Ask for a new invitation.")
        ) from error


def _place_of(invitation: Invitation) -> Place:
    return Place(
        invitation.role,
        invitation.custom_role,
        None if invitation.rights is None else tuple(invitation.rights),
        invitation.all_machines,
    )


def _check_mailed(tenant: Tenant) -> None:
    """Refuse to mail on and on: who signed up has mail sent in our name, to whom they like."""
    sent = Operation.objects.filter(
        # The first condition is the index's.
        action__startswith="team.",
        action__in=("team.invite", "team.invite_again"),
        phase=Phase.STARTED,
        tenant=tenant,
        at__gt=timezone.now() - timedelta(days=1),
    )
    if sent.count() >= MOST_A_DAY:
        raise Refused(
            _("%(n)d invitations were mailed within a day: go on tomorrow.") % {"n": MOST_A_DAY}
        )


def _check_unanswered(invitation: Invitation) -> None:
    if invitation.accepted_at:
        raise Refused(_("This invitation was accepted already."))
    if invitation.revoked_at:
        raise Refused(_("This invitation was withdrawn already."))


def _locked(invitation: Invitation) -> Invitation:
    """Return it, locked after its tenant, as everything that changes a team does."""
    Tenant.objects.select_for_update().get(pk=invitation.tenant_id)
    return (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("tenant", "custom_role", "invited_by")
        .get(pk=invitation.pk)
    )


def _digest(token: str) -> str:
    """The token is random and long: one round of a fast hash is enough, and quick to find by."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _log(action: str, by: User, invitation: Invitation) -> None:
    operations.done(
        action,
        by=by,
        tenant=invitation.tenant,
        object_type="invitation",
        object_id=invitation.pk,
        object_name=invitation.email,
        parameters=told(invitation),
    )
