"""What the portal itself does in the background: forget what was typed, send mails."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal import notices
from portal.models import Draft, SentForm


@shared_task
def forget_forms(**_: object) -> None:
    """Forget drafts nobody went on with, their secrets with them, and forms sent a day ago."""
    now = timezone.now()
    Draft.objects.forgotten(now).delete()
    SentForm.objects.forgotten(now).delete()


@shared_task
def tell(**_: object) -> None:
    """Note what people want to hear of, and send what is due."""
    notices.collect()
    notices.send()


@shared_task
def forget_notices(**_: object) -> None:
    """Drop what was told long ago."""
    notices.forget_old()
