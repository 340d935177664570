from portal.models.draft import Draft
from portal.models.ssh_key import SshKey

__all__ = ["Draft", "SshKey"]
