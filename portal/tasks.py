"""What the portal itself does in the background."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.models import Draft


@shared_task
def forget_drafts(**_: object) -> None:
    """Forget drafts nobody went on with, and their secrets with them."""
    Draft.objects.forgotten(timezone.now()).delete()
