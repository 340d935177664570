"""Paths below alice's door: sets, keys, navigations and what only looks like them."""

from __future__ import annotations

from random import Random
from urllib.parse import quote

from fabric.odata.schema import EntitySet, Model
from tests.fuzz.values import UGLY, guid, literal, nobody, text
from tests.fuzz.world import Known

DOOR = "Microsoft.Management.Odata.svc"
# Sets with something behind them are asked for more often.
BUSY = (
    *("VirtualMachines",) * 8,
    *("VMCheckPoints", "UserRoles", "Jobs", "VirtualDiskDrives", "VirtualHardDisks") * 2,
    *("VirtualNetworkAdapters", "VirtualDVDDrives", "VMNetworks", "Clouds", "VMTemplates") * 2,
    *("VMSubnets", "StaticIPAddressPools", "RunAsAccounts", "PerformanceData", "GuestInfos"),
)
BROKEN_ESCAPES = (
    "%",
    "%z",
    "%zz",
    "%0",
    "%c0%af",
    "%c1%9c",
    "%ed%a0%80",
    "%00",
    "%ff%fe",
    "%f8",
    "%u0041",
)


def root(random: Random, known: Known) -> str:
    """Return a spelling of the address of alice's door."""
    alice = known.world.alice
    version = random.choice(("SC2012R2",) * 8 + ("SC2012", "SC2016", "sc2012r2"))
    kind = random.random()
    if kind < 0.85:
        return f"/{version}/VMM/{alice}/{DOOR}"
    if kind < 0.95:
        return f"/{version}/VMM/{DOOR}/{alice}"
    return random.choice(
        (
            f"/{version.lower()}/vmm/{alice}/{DOOR.lower()}",
            f"/{version}/VMM/{{{alice.upper()}}}/{DOOR}",
            f"/{version}/VMM/{alice}/{DOOR}/{known.world.charlie}",
            f"/{version}/VMM/{alice}/{DOOR.replace('.', '%2e')}",
        )
    )


def astray(random: Random, known: Known) -> str:
    """Return an address beside the door, for an account that may do nothing there."""
    return random.choice(
        (
            f"/SC2012R2/VMM/{known.world.charlie}/{DOOR}/VirtualMachines",
            f"/SC2012R2/VMM/{DOOR}/VirtualMachines",
            f"/SC2012R2/Admin/{DOOR}/Tenants",
            f"/SC2012R2/VMM/{known.world.alice}/../{DOOR}/VirtualMachines",
            f"//SC2012R2//VMM//{known.world.alice}//{DOOR}//VirtualMachines",
            f"/SC2012R2/VMM/{nobody(random)}/{DOOR}/VirtualMachines",
            "/provider/subscriptions",
            "/usage/usage?lastID=0&batchsize=" + random.choice(("1000", "-1", "x", "9" * 30)),
            "/" + random.choice(UGLY),
            "/" * 500,
            "*",
            "",
        )
    )


class Addresses:
    """Makes paths below the door, not yet encoded."""

    def __init__(self, random: Random, known: Known, model: Model) -> None:
        self.random, self.known, self.model = random, known, model

    def some_set(self) -> EntitySet:
        """Return one of the sets."""
        random = self.random
        name = random.choice(BUSY) if random.random() < 0.75 else random.choice([*self.model.sets])
        return self.model.set(name)

    def path(self, entity_set: EntitySet) -> str:
        """Return a path of this set, or one that needs none."""
        random, kind = self.random, self.random.random()
        name = entity_set.name
        if random.random() < 0.05:
            name = random.choice((name.lower(), name.upper(), "Nothing", "__proto__", text(random)))
        if kind < 0.45:
            ends = (*("", "()", "/$count") * 5, "( )", "/", "//", "/$links", "/$value", "/Nothing")
            return name + random.choice(ends)
        if kind < 0.75:
            return self.entity(entity_set, name) + self._below(entity_set)
        if kind < 0.78:
            return random.choice(
                ("", "/", "$metadata", "$metadata/x", "$batch", "$nothing", "$links", "$0")
            )
        if kind < 0.79:
            return "/".join([name] * random.choice((2, 30, 500)))
        return self.entity(entity_set, name)

    def entity(self, entity_set: EntitySet, name: str | None = None) -> str:
        """Return the address of one entity."""
        random, name = self.random, name or entity_set.name
        if random.random() < 0.05:
            return f"{name}/{guid(random, self.known)}"
        return f"{name}({self._key(entity_set)})"

    def _key(self, entity_set: EntitySet) -> str:
        random = self.random
        pairs = [(part, self._key_value(entity_set, part)) for part in entity_set.type.key]
        kind = random.random()
        if kind < 0.12:
            random.shuffle(pairs)
        elif kind < 0.14:
            pairs.append(random.choice([*pairs, ("Extra", "1"), ("id", "1")]))
        elif kind < 0.17:
            return random.choice(
                ("", ",", "=", "ID=", "ID==1", "'", random.choice(UGLY), "((((", "$x")
            )
        elif kind < 0.2 or len(pairs) == 1 and kind < 0.7:
            return ",".join(value for _, value in pairs)
        return random.choice((",", ",", ", ")).join(f"{name}={value}" for name, value in pairs)

    def _key_value(self, entity_set: EntitySet, part: str) -> str:
        random = self.random
        prop = entity_set.type.prop(part)
        if random.random() < 0.04:
            return literal(random, self.known)
        if part == "StampId":
            return f"guid'{self.known.world.stamp}'"
        if prop is not None and prop.type == "Guid":
            ids = self.known.others if random.random() < 0.25 else self.known.mine
            found = ids.get(entity_set.name)
            return f"guid'{random.choice(found) if found else guid(random, self.known)}'"
        return literal(random, self.known, prop.type if prop else None)

    def _below(self, entity_set: EntitySet) -> str:
        random, parts, entity = self.random, [""], entity_set.type
        for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
            navs = [nav.name for nav in entity.navs]
            names = [*navs, random.choice(entity.props).name, *entity.actions]
            odd = ["$links", "VMConnection", "$value", "$count", "Nothing"]
            picked = random.choice(names if random.random() < 0.8 else odd)
            nav = entity.nav(picked)
            if nav is None:
                parts.append(picked)
                continue
            target = self.model.set(nav.target_set)
            entity = target.type
            parts.append(f"{picked}({self._key(target)})" if random.random() < 0.3 else picked)
        return "/".join(parts)


def encoded(random: Random, target: str) -> bytes:
    """Return a path or query as some client would send it; now and then as none would."""
    kind = random.random()
    if kind < 0.6:
        sent = quote(target.encode("utf-8", "surrogatepass"), safe="/$?=&(),'*:;@!~-._{}")
    elif kind < 0.85:
        sent = quote(target.encode("utf-8", "surrogatepass"), safe="/?=&").replace("%20", "+")
    elif kind < 0.87:
        sent = quote(quote(target.encode("utf-8", "surrogatepass"), safe="/?=&"), safe="/?=&")
    elif kind < 0.92:
        sent = quote(target.encode("utf-8", "surrogatepass"), safe="/?=&$")
        at = random.randrange(len(sent) + 1)
        sent = sent[:at] + random.choice(BROKEN_ESCAPES) + sent[at:]
    else:
        raw = target.encode("utf-8", "surrogatepass").replace(b" ", random.choice((b"%20", b"+")))
        return b"".join(bytes([each]) for each in raw if each not in b"\x00\r\n ")
    return sent.encode("ascii")
