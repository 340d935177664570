"""What may be ordered: the checks of a new machine, for deploying and for asking beforehand.

Each check raises Refused at its field. They read rows only and change nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from fabric import addresses, domainjoin, rules, sshkeys, userdata, windows
from fabric.actions.held import require_ability
from fabric.errors import NotPossible
from fabric.models import EndAction, HardwareProfile, Machine, Network, Offering, Template
from fabric.orders import Guest, NewMachine
from fabric.providers import abilities
from plans.models import Subscription
from tenants.errors import Conflicting, NotPermitted, Refused

MOST_ADAPTERS = 8
MOST_DISKS = 16
LARGEST_DISK_GB = 64 * 1024
DESCRIPTION_LENGTH = 2000
LAST_YEAR = 2999
USER_LENGTH = 32


@dataclass(frozen=True)
class Size:
    """What a machine takes from the quota. `is_own`: not the template's."""

    cores: int
    memory_mb: int
    storage_gb: int
    is_own: bool = False

    @property
    def wanted(self) -> dict[str, int]:
        """Return it by the ledger's resource names."""
        return {
            "machines": 1,
            "cores": self.cores,
            "memory_mb": self.memory_mb,
            "storage_gb": self.storage_gb,
        }


def offering_of(subscription: Subscription) -> Offering:
    """Return what the subscription's plan holds; NotPossible while nothing can be made in it."""
    require_usable(subscription)
    offerings = Offering.objects.select_related("cloud__stamp__provider")
    return offerings.get(plan_id=subscription.plan_id)


def require_usable(subscription: Subscription) -> None:
    """Raise NotPossible while nothing can be made in a subscription."""
    if not subscription.is_usable:
        raise NotPossible(
            _("“%(name)s” is not active and in sync, so nothing can be made in it.")
            % {"name": subscription.name},
            field="subscription",
        )


def size_of(order: NewMachine) -> Size:
    """Return the size ordered: own values, else the hardware profile's, else the template's."""
    like: HardwareProfile | Template = order.hardware_profile or order.template
    return Size(
        cores=like.cores if order.cores is None else order.cores,
        memory_mb=like.memory_mb if order.memory_mb is None else order.memory_mb,
        storage_gb=order.template.storage_gb + sum(disk.size_gb for disk in order.disks),
        is_own=not (order.cores is order.memory_mb is order.hardware_profile is None),
    )


def networks_of(offering: Offering, order: NewMachine) -> list[tuple[Network, str]]:
    """Return the networks to be on with their fixed addresses: the plan's first where none is
    named."""
    if order.adapters:
        return [(adapter.network, adapter.address) for adapter in order.adapters]
    if offering.first_network is None:
        raise NotPossible(_("None of your plan's networks is there at the moment."))
    return [(offering.first_network, "")]


def check_template(offering: Offering, order: NewMachine) -> None:
    """Refuse a template that the plan does not hold, or that is gone."""
    require_template(offering, order.template)


def require_template(offering: Offering, template: Template) -> None:
    """Raise NotPermitted unless the plan holds the template and it is there."""
    if not offering.holds("templates", template):
        raise NotPermitted(_("Your plan does not hold this template."), field="template")


def check_size(offering: Offering, order: NewMachine) -> None:
    """Refuse a size that plan or template do not allow."""
    profile = order.hardware_profile
    if profile and not offering.holds("hardware_profiles", profile):
        raise NotPermitted(_("Your plan does not hold this size."), field="hardware_profile")
    size = size_of(order)
    if size.is_own:
        require_size(offering, order.template, size.cores, size.memory_mb)


def require_size(offering: Offering, template: Template, cores: int, memory_mb: int) -> None:
    """Raise Refused unless machines of the template may have this size."""
    same = (cores, memory_mb) == (template.cores, template.memory_mb)
    if not same and offering.fixes(template):
        raise NotPermitted(
            _("Machines of “%(template)s” come in one size in your plan.")
            % {"template": template.name},
            field="cores",
        )
    problem = rules.size_problem(
        cores,
        memory_mb,
        least=(template.min_cores, template.min_memory_mb),
        most=(template.max_cores, template.max_memory_mb),
    )
    if problem:
        raise Refused(problem[1], field=problem[0])


def check_networks(offering: Offering, order: NewMachine) -> None:
    """Refuse networks that the plan does not hold, and addresses that cannot be had."""
    if len(order.adapters) > MOST_ADAPTERS:
        raise Refused(_("At most %(n)d networks at once.") % {"n": MOST_ADAPTERS}, field="adapters")
    wanted = networks_of(offering, order)
    for adapter in order.adapters:
        require_network(offering, adapter.network)
    fixed = [(network, address) for network, address in wanted if address]
    if fixed:
        require_ability(offering.cloud.stamp.provider, abilities.FIXED_ADDRESS, "address")
    taken = taken_of(fixed)
    for number, (network, address) in enumerate(wanted):
        if address:
            field = f"adapters.{number}.address"
            require_free(network, address, taken, field=field)
            if (network, address) in wanted[:number]:
                raise Refused(_("The same address is named twice."), field=field)


def require_network(offering: Offering, network: Network) -> None:
    """Raise NotPermitted unless the plan holds the network and it is there."""
    if not offering.holds("networks", network):
        raise NotPermitted(_("Your plan does not hold this network."), field="network")


def require_address(network: Network, address: str, *, but: Machine | None = None) -> None:
    """Raise Refused unless it is an address of the network that, as far as we know, nobody has.
    One query."""
    require_free(network, address, taken_of([(network, address)], but=but))


def taken_of(
    wanted: Collection[tuple[Network, str]], *, but: Machine | None = None
) -> set[tuple[uuid.UUID, str]]:
    """Return which of these addresses some machine has, by network. One query for all of them."""
    if not wanted:
        return set()
    there = Q()
    for network, address in wanted:
        there |= Q(adapters__network=network, adapters__addresses__contains=[address])
        there |= Q(network=network, addresses__contains=[address])
    holders = Machine.objects.filter(there).exclude(state="deleted")
    if but is not None:
        holders = holders.exclude(pk=but.pk)
    held: set[tuple[uuid.UUID, str]] = set()
    told = ("network_id", "addresses", "adapters__network_id", "adapters__addresses")
    for first, own, network_id, others in holders.values_list(*told):
        held.update((first, address) for address in own)
        held.update((network_id, address) for address in others or ())
    return held & {(network.pk, address) for network, address in wanted}


def require_free(
    network: Network,
    address: str,
    taken: Collection[tuple[uuid.UUID, str]],
    *,
    field: str = "address",
) -> None:
    """Raise Refused unless a machine on the network can have the address, and it is none of those
    taken."""
    problem = addresses.problem(address, network.subnets, network.pools)
    if problem:
        raise Refused(problem, field=field)
    if (network.pk, address) in taken:
        raise Conflicting(
            _("The address %(address)s is taken.") % {"address": address}, field=field
        )


def check_disks(offering: Offering, order: NewMachine) -> None:
    """Refuse disks of no possible size or number."""
    if not order.disks:
        return
    require_ability(offering.cloud.stamp.provider, abilities.EMPTY_DISKS, "disks")
    if len(order.disks) > MOST_DISKS:
        raise Refused(_("At most %(n)d disks at once.") % {"n": MOST_DISKS}, field="disks")
    for disk in order.disks:
        require_disk_size(disk.size_gb, field="disks")
        require_text(disk.name, 64, "disks")
    names = [disk.name.lower() for disk in order.disks if disk.name]
    if len(set(names)) < len(names):
        raise Refused(_("Two disks have the same name."), field="disks")


def require_disk_size(size_gb: int, *, field: str = "size_gb") -> None:
    """Raise Refused unless a disk can be as large."""
    if not 1 <= size_gb <= LARGEST_DISK_GB:
        raise Refused(
            _("A disk has between 1 and %(most)d GB.") % {"most": LARGEST_DISK_GB}, field=field
        )


def check_name(offering: Offering, order: NewMachine) -> None:
    """Refuse a name that would not do: without a computer name it is the guest's as well."""
    os_type = "" if order.guest.computer_name else order.template.os_type
    problem = rules.name_problem(order.name, os_type)
    if problem:
        raise Refused(problem, field="name")
    require_text(order.description, DESCRIPTION_LENGTH, "description", lines=True)


def require_text(text: str, longest: int, field: str, *, lines: bool = False) -> None:
    """Raise Refused for a text that is too long or holds what nobody can read."""
    if len(text) > longest:
        raise Refused(_("At most %(n)d characters.") % {"n": longest}, field=field)
    plain = text.replace("\n", "").replace("\r", "").replace("\t", "") if lines else text
    if plain and not plain.isprintable():
        raise Refused(_("Use printable characters only."), field=field)


def check_guest(offering: Offering, order: NewMachine) -> None:
    """Refuse what the operating system could not be told."""
    require_guest(offering, order.template, order.guest)


def require_guest(offering: Offering, template: Template, guest: Guest) -> None:
    """Raise Refused unless a machine of the template can be set up like this."""
    for problem, field in _problems_of(template, guest):
        if problem:
            raise Refused(problem, field=field)
    provider = offering.cloud.stamp.provider
    if guest.ssh_keys:
        require_ability(provider, abilities.SSH_KEYS, "ssh_keys")
    if guest.user_data:
        require_ability(provider, abilities.USER_DATA, "user_data")
    if guest.domain_join and guest.domain_join.ou:
        require_ability(provider, abilities.DOMAIN_OU, "ou")


def _problems_of(template: Template, guest: Guest) -> Iterable[tuple[str | None, str]]:
    """Yield what is wrong, if anything, and with which field."""
    if guest.computer_name:
        yield rules.name_problem(guest.computer_name, template.os_type), "computer_name"
    is_needed = template.is_windows or not guest.ssh_keys
    if guest.password or is_needed:
        yield rules.password_problem(guest.password), "password"
    if guest.admin_user:
        yield _user_problem(guest.admin_user), "admin_user"
    yield _keys_problem(template, guest.ssh_keys), "ssh_keys"
    if guest.user_data:
        yield userdata.problem(guest.user_data), "user_data"
    for value, field, judge in (
        (guest.product_key, "product_key", windows.product_key_problem),
        (guest.time_zone, "time_zone", windows.time_zone_problem),
        (guest.workgroup, "workgroup", windows.workgroup_problem),
    ):
        if value:
            yield (judge(value) if template.is_windows else _for_windows()), field
    yield from _join_problems(template, guest)


def _for_windows() -> str:
    return _("This is for Windows only.")


def _user_problem(user: str) -> str | None:
    if len(user) > USER_LENGTH or not user.isprintable() or any(c in user for c in ' /\\:"'):
        return _("An account's name has no spaces and at most %(n)d characters.") % {
            "n": USER_LENGTH
        }
    return None


def _keys_problem(template: Template, keys: tuple[str, ...]) -> str | None:
    if keys and template.is_windows:
        return _("SSH keys are for Linux only.")
    try:
        sshkeys.read_all("\n".join(keys))
    except sshkeys.NoKey as error:
        return str(error)
    return None


def _join_problems(template: Template, guest: Guest) -> Iterable[tuple[str | None, str]]:
    join = guest.domain_join
    if join is None:
        return
    if not template.is_windows:
        yield _for_windows(), "domain"
    if guest.workgroup:
        yield _("A machine joins a domain or a workgroup, not both."), "workgroup"
    told = domainjoin.problems(
        domain=join.domain,
        account_domain=join.account_domain,
        user=join.user,
        password=join.password,
        ou=join.ou,
    )
    names = {"user": "domain_user", "password": "domain_password"}
    for field, problem in told.items():
        yield problem, names.get(field, field)


def check_keeping(offering: Offering, order: NewMachine) -> None:
    """Refuse tags and an end date that would not do."""
    tags_of(order.tags)
    require_end(order.ends_at, order.end_action)
    if order.is_protected and order.ends_at and order.end_action == EndAction.DELETE:
        raise NotPossible(
            _("A protected machine is not deleted on its end date: choose another end."),
            field="end_action",
        )


def require_end(ends_at: datetime | None, action: str) -> None:
    """Raise Refused unless something known is to be done at a time to come."""
    if action not in EndAction.values:
        raise Refused(_("Choose what becomes of it then."), field="end_action")
    problem = end_problem(ends_at) if ends_at else None
    if problem:
        raise Refused(problem, field="ends_at")


def end_problem(ends_at: datetime) -> str | None:
    """Return why no machine can end then, None when it could. A year that some clocks of the world
    cannot show could not be shown to everybody."""
    if ends_at.year > LAST_YEAR:
        return _("This is too far away.")
    return _("This time is over already.") if ends_at <= timezone.now() else None


def tags_of(tags: Iterable[str], *, field: str = "tags") -> list[str]:
    """Return tags in one spelling, or raise Refused."""
    try:
        return rules.clean_tags(tags)
    except ValueError as error:
        raise Refused(str(error), field=field) from error


Check = Callable[[Offering, NewMachine], None]
CHECKS: tuple[Check, ...] = (
    check_template,
    check_size,
    check_networks,
    check_disks,
    check_name,
    check_guest,
    check_keeping,
)


def check(offering: Offering, order: NewMachine) -> None:
    """Raise the first refusal of an order."""
    for each in CHECKS:
        each(offering, order)


def require_names_free(subscription: Subscription, names: Sequence[str]) -> None:
    """Raise Conflicting for the first name that a machine of the subscription has; the row has the
    last word. One query."""
    there = Machine.objects.filter(subscription=subscription).exclude(state="deleted")
    lower = [name.lower() for name in names]
    taken = there.annotate(lower_name=Lower("name")).filter(lower_name__in=lower)
    known = set(taken.values_list("lower_name", flat=True))
    for name in names:
        if name.lower() in known:
            raise name_taken(name)


def name_taken(name: str) -> Conflicting:
    """Return the refusal of a name that another machine has."""
    return Conflicting(
        _("This subscription has a machine named “%(name)s” already.") % {"name": name},
        field="name",
    )
