"""Mail invitations. Links lead to the tenant site, whichever address it was asked at."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from redis.exceptions import RedisError

from tenants.actions import invitations
from tenants.models import Instance, Invitation

log = logging.getLogger(__name__)
PAUSE = 60  # seconds between two mails of one invitation


def link(token: str) -> str:
    """Return the address that opens an invitation."""
    path = reverse("invitation", args=[token], urlconf="portal.urls.tenant")
    return settings.TENANT_SITE_URL.rstrip("/") + path


def may_send(invitation: Invitation) -> bool:
    """Tell whether its last mail is long enough ago, and note this one; without the cache it is."""
    try:
        return bool(cache.add(f"invitation-{invitation.pk}", 1, PAUSE))
    except RedisError:
        return True


def send(invitation: Invitation, token: str) -> bool:
    """Mail the link, in the language of the account it is for; tell whether the mail went out."""
    account = invitations.account_of(invitation)
    context = {
        "invitation": invitation,
        "by": invitation.invited_by,
        "link": link(token),
        "days": invitations.GOOD_FOR.days,
        "instance": Instance.current().name,
    }
    with translation.override(account.language if account and account.language else None):
        subject = render_to_string("emails/invitation_subject.txt", context)
        body = render_to_string("emails/invitation.txt", context)
    try:
        send_mail(" ".join(subject.split()), body, None, [invitation.email])
    except (OSError, SMTPException):
        log.exception("the mail of invitation %s was not sent", invitation.pk)
        return False
    return True
