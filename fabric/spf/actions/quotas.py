"""What a plan's quota says: settings whose values are XML texts, read into what a user role has.

Add-ons count on top: limits are summed, and what is unlimited stays so. Limits of bandwidth, VPN
and NAT connections, gallery items and custom settings are checked and kept, but VMM has no use
for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final
from uuid import UUID
from xml.etree.ElementTree import Element

from fabric.odata.errors import BadRequest
from fabric.odata.literals import parse_guid
from fabric.odata.xml import DECLARATION, escape, local_name, parse
from fabric.vmm.models import ResourceKind
from fabric.vmm.roles import PERMISSIONS, Grant, ScopeLimits

Settings = Sequence[Mapping[str, str]]
Limit = int | None

# Every plan has these, also when nobody says so.
ALWAYS: Final = (
    "AllowLocalAdmin",
    "Author",
    "AuthorVMNetwork",
    "Create",
    "CreateFromVHDOrTemplate",
    "PauseAndResume",
    "Remove",
    "Shutdown",
    "Start",
    "Stop",
)
# The names of a setting, in lower case, and the root of its XML.
_ROOTS: Final = {
    "clouds": "Clouds",
    "actions": "Actions",
    "vmresources": "Resources",
    "resources": "Resources",
    "networks": "Networks",
    "customsettings": "CustomSettings",
}
_LIMITS: Final = {
    "RoleVMCount": "vm_count",
    "RoleCPUCount": "cpu_count",
    "RoleMemoryMB": "memory_mb",
    "RoleStorageGB": "storage_gb",
    "MemberVMCount": "member_vm_count",
    "MemberCPUCount": "member_cpu_count",
    "MemberMemoryMB": "member_memory_mb",
    "MemberStorageGB": "member_storage_gb",
}
_NETWORK_LIMITS: Final = (
    "MaximumNetwork",
    "MaximumMemberNetwork",
    "MaximumBandwidthIn",
    "MaximumBandwidthOut",
    "MaximumVPNConnection",
    "MaximumMemberVPNConnection",
    "MaximumNATConnection",
    "MaximumMemberNATConnection",
)
_GRANTED: Final = {
    "VmTemplate": ResourceKind.TEMPLATE,
    "HardwareProfile": ResourceKind.PROFILE,
    "Network": ResourceKind.NETWORK,
}
_CUSTOM: Final = frozenset(
    {
        "DisableNetworkExtension",
        "DisableSettingVMComputerName",
        "EnableSettingVMComputerName",
        "DREnabled",
    }
)
_LARGEST: Final = 2_147_483_647


@dataclass(frozen=True)
class Networks:
    """How many VM networks a role may make, and each of its members; None is no limit."""

    most: Limit = None
    member_most: Limit = None


@dataclass(frozen=True)
class Quota:
    """What a role has of a plan. `placed` pairs a stamp with what is said to be there."""

    scopes: Mapping[UUID, ScopeLimits] = field(default_factory=dict)
    permissions: frozenset[str] = frozenset()
    grants: frozenset[Grant] = frozenset()
    networks: Networks | None = None
    stamps: frozenset[UUID] = frozenset()
    placed: frozenset[tuple[UUID, UUID]] = frozenset()

    def plus(self, other: Quota) -> Quota:
        """This and an add-on."""
        scopes = dict(self.scopes)
        for cloud, more in other.scopes.items():
            scopes[cloud] = _summed(scopes[cloud], more) if cloud in scopes else more
        return Quota(
            scopes=scopes,
            permissions=self.permissions | other.permissions,
            grants=self.grants | other.grants,
            networks=_summed(self.networks, other.networks)
            if self.networks and other.networks
            else self.networks or other.networks,
            stamps=self.stamps | other.stamps,
            placed=self.placed | other.placed,
        )


def read_quota(plan: Settings, add_ons: Iterable[Settings] = ()) -> Quota:
    """What a plan and its add-ons say together; raises BadRequest naming the setting."""
    quota = _read(plan)
    for settings in add_ons:
        quota = quota.plus(_read(settings))
    return quota


def default_settings(stamps: Iterable[UUID]) -> list[dict[str, str]]:
    """The settings of a plan that nobody has configured: no cloud, and what is always in it."""
    actions = "".join(f"<Action>{escape(name)}</Action>" for name in ALWAYS)
    in_stamps = "".join(f'<Stamp Id="{stamp}">{actions}</Stamp>' for stamp in stamps)
    texts = {
        "Clouds": "<Clouds />",
        "Actions": f"<Actions>{in_stamps}</Actions>",
        "VmResources": "<Resources />",
        "Networks": "<Networks />",
        "CustomSettings": "<CustomSettings />",
    }
    return [{"Key": key, "Value": f"{DECLARATION}{text}"} for key, text in texts.items()]


def _read(settings: Settings) -> Quota:
    quota = Quota()
    seen: set[str] = set()
    for setting in settings:
        root = _ROOTS.get(setting["Key"].strip().lower())
        if root is None or not setting["Value"].strip():
            continue
        if root in seen:
            raise BadRequest(f"The quota has the setting {root} twice.")
        seen.add(root)
        try:
            quota = quota.plus(_READERS[root](_parsed(setting["Value"], root)))
        except BadRequest as error:
            raise BadRequest(f"The quota setting {setting['Key']}: {error.message}") from None
    return quota


def _parsed(text: str, root: str) -> Element:
    # A declaration may name another encoding than the text now has.
    body = text.strip()
    if body.startswith("<?"):
        body = body.partition("?>")[2]
    try:
        found = parse(body.encode())
    except BadRequest as error:
        raise BadRequest(error.message.replace("The body", "The value")) from None
    except UnicodeEncodeError:
        raise BadRequest("The value is not valid XML.") from None
    if local_name(found) != root:
        raise BadRequest(f"The root element is {local_name(found)}, not {root}.")
    return found


def _clouds(root: Element) -> Quota:
    scopes: dict[UUID, ScopeLimits] = {}
    placed = set()
    for element in _children(root, "Cloud"):
        cloud, stamp = _guid(element, "Id"), _guid(element, "StampId")
        if cloud in scopes:
            raise BadRequest(f"The cloud {cloud} is there twice.")
        limits: dict[str, Limit] = {}
        for quota in _children(element, "Quota"):
            for each in quota:
                name = _LIMITS.get(local_name(each))
                if name is not None:
                    limits[name] = _limit(each.text, local_name(each))
        scopes[cloud] = ScopeLimits(cloud, **limits)
        placed.add((stamp, cloud))
    return Quota(
        scopes=scopes, stamps=frozenset(stamp for stamp, _ in placed), placed=frozenset(placed)
    )


def _actions(root: Element) -> Quota:
    permissions, networks = set(), None
    stamps = set()
    for stamp in _children(root, "Stamp"):
        stamps.add(_guid(stamp, "Id"))
        for action in _children(stamp, "Action"):
            name = (action.text or "").strip()
            if name not in PERMISSIONS:
                raise BadRequest(f"There is no action {name!r}.")
            permissions.add(name)
            if name == "AuthorVMNetwork":
                limits = {each: _limit(action.get(each), each) for each in _NETWORK_LIMITS}
                # VMM keeps one pair a role; several stamps share the first that is told.
                networks = networks or Networks(
                    limits["MaximumNetwork"], limits["MaximumMemberNetwork"]
                )
    if "Checkpoint" in permissions:
        permissions.add("CheckpointRestoreOnly")
    return Quota(permissions=frozenset(permissions), networks=networks, stamps=frozenset(stamps))


def _resources(root: Element) -> Quota:
    grants, placed = set(), set()
    for element in root:
        kind = _GRANTED.get(local_name(element))
        if kind is not None:
            grant = Grant(kind, _guid(element, "Id"))
            grants.add(grant)
            placed.add((_guid(element, "StampId"), grant.resource_id))
    return Quota(
        grants=frozenset(grants),
        stamps=frozenset(stamp for stamp, _ in placed),
        placed=frozenset(placed),
    )


def _custom(root: Element) -> Quota:
    settings = list(_children(root, "CustomSetting"))
    if len(settings) > 1:
        raise BadRequest("There is more than one CustomSetting.")
    for setting in settings:
        given = setting.get("Value") or _text_of(setting, "Value")
        for word in filter(None, (part.strip() for part in given.split(","))):
            if word not in _CUSTOM:
                raise BadRequest(f"There is no custom setting {word!r}.")
    return Quota()


_READERS: Final = {
    "Clouds": _clouds,
    "Actions": _actions,
    "Resources": _resources,
    "Networks": _resources,
    "CustomSettings": _custom,
}


def _children(element: Element, name: str) -> Iterable[Element]:
    return [each for each in element if local_name(each) == name]


def _text_of(element: Element, name: str) -> str:
    return next((each.text or "" for each in _children(element, name)), "")


def _guid(element: Element, name: str) -> UUID:
    try:
        return parse_guid(element.get(name, ""))
    except ValueError:
        raise BadRequest(f"{local_name(element)} needs a GUID as its {name}.") from None


def _limit(text: str | None, name: str) -> Limit:
    digits = (text or "").strip()
    if not digits:
        return None
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 10
    if not is_number or int(digits) > _LARGEST:
        raise BadRequest(f"{name} is a whole number from 0 to {_LARGEST}, or empty for no limit.")
    return int(digits)


def _summed(one: Any, other: Any) -> Any:
    """Two of the same kind of limits together; no limit and some is no limit."""
    values: dict[str, Any] = {}
    for each in fields(one):
        a, b = getattr(one, each.name), getattr(other, each.name)
        if isinstance(a, UUID):
            values[each.name] = a
        else:
            values[each.name] = None if a is None or b is None else min(a + b, _LARGEST)
    return type(one)(**values)
