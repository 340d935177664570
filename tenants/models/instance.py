"""This installation: its name, and whether it is set up."""

from __future__ import annotations

from django.db import models


class Instance(models.Model):
    """One row. `setup_code` is the hash of the one-time code the server prints; "" once used."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=60, default="Katal")
    setup_code = models.CharField(max_length=200, blank=True, default="")
    set_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="instance_one_row"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> Instance:
        """Return the row, or an unsaved one before anything was set up."""
        return cls.objects.first() or cls()
