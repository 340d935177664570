"""The wrapped data key. The passphrase that unwraps it is stored nowhere."""

from __future__ import annotations

from django.db import models


class VaultKey(models.Model):
    """One row: the data key encrypted under a key derived from the passphrase (scrypt)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    salt = models.BinaryField(max_length=32)
    cost = models.PositiveIntegerField()
    wrapped = models.BinaryField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="vault_one_key"),
        ]

    def __str__(self) -> str:
        return "vault key"
