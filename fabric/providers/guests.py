"""What a guest operating system is told when it is set up: names, passwords, keys."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DomainJoin:
    """The domain to join, as whom, and where in its directory; "" leaves that to the domain."""

    domain: str
    user: str
    password: str = field(repr=False)
    account_domain: str = ""
    ou: str = ""


@dataclass(frozen=True, kw_only=True)
class GuestInputs:
    """ "" leaves each to the template. Secrets are never in a repr.

    `time_zone` is the number Windows set-up knows it by, as digits.
    """

    computer_name: str = ""
    admin_user: str = ""
    password: str = field(default="", repr=False)
    ssh_keys: tuple[str, ...] = ()
    product_key: str = field(default="", repr=False)
    time_zone: str = ""
    workgroup: str = ""
    domain_join: DomainJoin | None = None
    user_data: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any message."""
        told = (self.password, self.product_key, self.user_data)
        joined = (self.domain_join.password,) if self.domain_join else ()
        return tuple(secret for secret in (*told, *joined) if secret)
