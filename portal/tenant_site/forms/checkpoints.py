"""Checkpoints: what they are called, and a machine made from one."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from fabric.actions.checkpoints import NAME_LENGTH
from fabric.actions.ordering import DESCRIPTION_LENGTH
from fabric.models import Checkpoint

PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class CheckpointForm(forms.Form):
    """A checkpoint to make."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=NAME_LENGTH,
        help_text=gettext_lazy("Left empty, it is called after the time."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=DESCRIPTION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class RenameCheckpointForm(CheckpointForm):
    """What a checkpoint is called from now on."""

    request_key = None

    def __init__(self, *args: Any, checkpoint: Checkpoint, **kwargs: Any) -> None:
        told = {"name": checkpoint.name, "description": checkpoint.description}
        super().__init__(*args, initial=told, **kwargs)
        name = self.fields["name"]
        name.required, name.help_text = True, ""
        name.error_messages["required"] = gettext_lazy("Give it a name.")
