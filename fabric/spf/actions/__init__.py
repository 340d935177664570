"""What can be asked of SPF itself: accounts, stamps, servers, tenants.

Refusals are faults of the protocol (`fabric.odata.errors`), since that is how they are answered.
"""

from __future__ import annotations

from fabric.spf.actions.accounts import ALL_GROUPS, change_account, create_account
from fabric.spf.actions.stamps import register_vmm_server

__all__ = ["ALL_GROUPS", "change_account", "create_account", "register_vmm_server"]
