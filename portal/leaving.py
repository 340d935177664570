"""The end of a subscription, by its tenant or by an operator: what is lost, and the name typed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Sum, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.models import Checkpoint, Disk, Machine
from fabric.states import GONE
from plans.models import Subscription
from tenants.models import User

NAMED = 20


class LeaveForm(forms.Form):
    """The subscription's name, typed: what is in it is lost for good."""

    confirm = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Type the subscription's name.")},
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["confirm"].label = _("Type %(name)s to confirm") % {"name": name}

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != self.name:
            raise forms.ValidationError(_("This is not the subscription's name."))
        return typed


def losses(subscription: Subscription, user: User) -> dict[str, Any]:
    """Return what goes with it: disks, checkpoints, the machines, of which operators see all by
    name. Five queries."""
    machines = Machine.objects.filter(subscription=subscription).exclude(state__in=GONE)
    seen = Exists(Machine.objects.granted_to(user).filter(pk=OuterRef("pk")))
    named = machines.annotate(is_seen=Value(True) if user.is_operator else seen).order_by("name")
    rows = list(named.values_list("name", "is_protected", "storage_gb", "is_seen"))
    names = [name for name, _protected, _size, is_seen in rows if is_seen]
    held = {"machine__in": machines}
    attached = Disk.objects.filter(**held).aggregate(size=Sum("size_gb"))["size"] or 0
    return {
        "names": names[:NAMED],
        "more": len(rows) - len(names[:NAMED]),
        "machines": len(rows),
        "protected": [
            name for name, is_protected, _size, is_seen in rows if is_protected and is_seen
        ],
        # Devices are read a while after a machine was made; its order says as much before.
        "disk_gb": max(attached, sum(size for _name, _protected, size, _seen in rows)),
        "checkpoints": Checkpoint.objects.filter(**held).count(),
        "schedules": subscription.schedules.count(),
        "groups": subscription.groups.count(),
    }
