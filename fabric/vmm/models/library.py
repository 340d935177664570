"""The library: its servers and shares, virtual hard disks, ISO images and other files."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class LibraryServer(models.Model):
    """A server that keeps files; machines and templates reach them through its shares."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="library_servers")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_libraryserver_name"),
        ]

    def __str__(self) -> str:
        return self.name


class LibraryShareQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the shares of the clouds in the role's scope."""
        return self.filter(clouds__scopes__role=role).distinct()


class LibraryShare(models.Model):
    """A share of a library server, by its path there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    library_server = models.ForeignKey(
        LibraryServer, on_delete=models.PROTECT, related_name="shares"
    )
    name = models.CharField(max_length=64)
    path = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LibraryShareQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["library_server", "name"], name="vmm_libraryshare_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OSType(models.TextChoices):
    WINDOWS = "Windows", "Windows"
    LINUX = "Linux", "Linux"
    OTHER = "Other", "Other"


class VirtualHardDiskQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the disks granted to the role, and those of the templates granted to it."""
        from fabric.vmm.models.template import VMTemplate

        of_templates = models.Q(pk__in=VMTemplate.objects.of_role(role).values("disk"))
        return self.granted_to(role, "VirtualHardDisk", of_templates)


class VirtualHardDisk(models.Model):
    """A disk of the library; hosts copy its `source_image`. A data disk has no `os_name`.

    One that is not enabled stays for what was made of it, but nothing new is.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="library_disks")
    share = models.ForeignKey(
        LibraryShare, null=True, blank=True, on_delete=models.PROTECT, related_name="disks"
    )
    name = models.CharField(max_length=100)
    size_gb = models.PositiveIntegerField()
    os_type = models.CharField(max_length=10, choices=OSType.choices, default=OSType.OTHER)
    os_name = models.CharField(max_length=200, blank=True, default="")
    source_image = models.CharField(max_length=255)
    family = models.CharField(max_length=100, blank=True, default="")
    release = models.CharField(max_length=40, blank=True, default="")
    is_enabled = models.BooleanField(default=True)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VirtualHardDiskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_virtualharddisk_name"),
        ]

    def __str__(self) -> str:
        return self.name


class FileKind(models.TextChoices):
    ISO = "iso", "ISO image"
    ANSWER_FILE = "answer_file", "Answer file"
    SCRIPT = "script", "Script"


class LibraryFileQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the ISO images on the shares of the clouds in the role's scope.

        Of these, those granted to it, if any were; a role inside a tenant's has no others than the
        tenant's.
        """
        from fabric.vmm.models.userrole import ResourceKind, RoleResource

        rows = self.filter(kind=FileKind.ISO, share__in=LibraryShare.objects.of_role(role))
        for id in sorted({role.pk, role.tenant_id}):
            granted = RoleResource.objects.filter(role=id, kind=ResourceKind.ISO)
            rows = rows.filter(
                models.Q(pk__in=granted.values("resource_id")) | ~models.Exists(granted)
            )
        return rows


class LibraryFile(models.Model):
    """A file on a share. `sealed` is the text of an answer file or script, which may hold secrets:
    encrypted, never read back, handed to guest set-up only.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="library_files")
    share = models.ForeignKey(LibraryShare, on_delete=models.PROTECT, related_name="files")
    kind = models.CharField(max_length=12, choices=FileKind.choices)
    name = models.CharField(max_length=100)
    path = models.CharField(max_length=255, blank=True, default="")
    size_mb = models.PositiveIntegerField(default=0)
    os_type = models.CharField(max_length=10, choices=OSType.choices, default=OSType.OTHER)
    description = models.TextField(blank=True, default="")
    sealed = models.TextField(blank=True, default="")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = LibraryFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["share", "kind", "name"], name="vmm_libraryfile_name"),
        ]

    def __str__(self) -> str:
        return self.name
