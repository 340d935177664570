"""Bodies of every format, right, wrong and hostile."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from fabric.odata.schema import EntitySet, Model, Prop
from tests.fuzz.addresses import Addresses
from tests.fuzz.values import json_value, nobody, text
from tests.fuzz.world import HINT, SECRET, Known

ATOM = "http://www.w3.org/2005/Atom"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
METADATA = DATA + "/metadata"
INCLUDE = "http://www.w3.org/2001/XInclude"
JSON_TYPES = (
    *("application/json",) * 4,
    "application/json;odata=minimalmetadata",
    "application/json;odata=verbose",
    "application/json;charset=utf-16",
    "text/json",
)
XML_TYPES = (
    "application/atom+xml",
    "application/atom+xml;type=entry",
    "application/xml",
    "text/xml",
)
OPERATIONS = (
    *("Start", "Stop", "Shutdown", "Suspend", "Resume", "SaveState", "DiscardSavedState", "Reset"),
    *("Store", "Repair", "Refresh", "Explode", "", "start"),
)
ACTIONS = ("Restore", "restore", "Nothing", "")
Row = dict[str, Any]


class Bodies:
    """Makes bodies meant for one set."""

    def __init__(self, random: Random, known: Known, model: Model, addresses: Addresses) -> None:
        self.random, self.known, self.model, self.addresses = random, known, model, addresses

    def some(self, entity_set: EntitySet) -> tuple[str, bytes]:
        """Return a content type and a body."""
        random = self.random
        maker = random.choice(
            (self._json, self._json, self._json, self._xml, self._xml, self._hostile)
        )
        return maker(entity_set)

    def row(self, entity_set: EntitySet) -> Row:
        """Return members of an entity; more often than not such as make sense."""
        random, props = self.random, entity_set.type.props
        if random.random() < 0.45:
            return self._meant(entity_set)
        count = random.choice((0, 1, 2, 3, 6, len(props)))
        chosen = random.sample(props, min(count, len(props)))
        row = {prop.name: self._value(prop) for prop in chosen}
        if random.random() < 0.7:
            row |= self._meant(entity_set)
        return row

    def _meant(self, entity_set: EntitySet) -> Row:
        """Members that the set takes, sometimes with an id of charlie's."""
        random, world = self.random, self.known.world
        machine = {"VMId": self._id("VirtualMachines")}
        sets: dict[str, tuple[Row, ...]] = {
            "VirtualMachines": (
                {"Operation": random.choice(OPERATIONS)},
                {"Name": text(random)[:60], "Description": text(random), "Memory": 2048},
                {
                    "CloudId": world.cloud,
                    "Name": text(random)[:60] or "made",
                    "VMTemplateId": world.template,
                    "LocalAdminPassword": SECRET,
                    "NewVirtualNetworkAdapterInput": [{"VMNetworkName": "front"}],
                },
            ),
            "VMCheckPoints": (
                {**machine, "Name": text(random)},
                {"VMCheckPointAction": random.choice(ACTIONS)},
                {"Description": text(random)},
            ),
            "VirtualDiskDrives": (
                {"VirtualHardDiskSizeGB": random.choice((1, 60, -1, 2**40))},
                {
                    **machine,
                    "Size": str(2**30),
                    "SCSI": True,
                    "Bus": 0,
                    "LUN": random.randrange(70),
                },
                {**machine, "VirtualHardDiskId": self._id("VirtualHardDisks"), "SCSI": True},
            ),
            "VirtualDVDDrives": (machine, {**machine, "ISOId": self._id("ISOs")}),
            "VirtualNetworkAdapters": (
                {**machine, "VMNetworkName": "front"},
                {**machine, "VMNetworkId": self._id("VMNetworks")},
            ),
            "VMNetworks": (
                {"Name": text(random)[:30], "LogicalNetworkId": self._id("LogicalNetworks")},
                {"GrantedToList": [{"RoleID": world.charlie}]},
            ),
            "VMSubnets": (
                {"Name": "s", "VMNetworkId": self._id("VMNetworks"), "Subnet": text(random)},
                {"Name": "s", "VMNetworkId": self._id("VMNetworks"), "Subnet": "10.9.0.0/24"},
            ),
            "UserRoles": (
                {"Description": text(random)},
                {"AddMember": [text(random)], "AddScope": [{"Scope": world.cloud}]},
            ),
            "Jobs": ({"SkipLastFailedStep": False},),
            "RunAsAccounts": ({"Name": text(random), "UserName": "u", "Password": SECRET},),
        }
        return {"StampId": world.stamp, **random.choice(sets.get(entity_set.name, (machine,)))}

    def _id(self, set_name: str) -> str:
        ids = self.known.others if self.random.random() < 0.2 else self.known.mine
        found = ids.get(set_name)
        return self.random.choice(found) if found else nobody(self.random)

    def _value(self, prop: Prop, depth: int = 0) -> Any:
        random = self.random
        if random.random() < 0.1:
            return None
        if prop.is_collection:
            item = Prop(prop.name, prop.item_type)
            return [self._value(item, depth + 1) for _ in range(random.choice((0, 1, 2, 3)))]
        if prop.complex_name:
            if depth > 2:
                return None
            members = self.model.complex_types[prop.complex_name].props
            chosen = random.sample(members, random.randrange(len(members) + 1))
            return {each.name: self._value(each, depth + 1) for each in chosen}
        return json_value(random, self.known, prop.name, prop.type)

    def link(self) -> Row:
        """Return the body of a request to $links."""
        path = self.addresses.entity(self.addresses.some_set())
        bases = (
            "",
            f"https://{self.known.host}/SC2012R2/VMM/x.svc/",
            "//",
            "https://[",
            "javascript:",
        )
        return {self.random.choice(("url", "url", "uri", "URL")): self.random.choice(bases) + path}

    def _json(self, entity_set: EntitySet) -> tuple[str, bytes]:
        random, row = self.random, self.row(entity_set)
        if random.random() < 0.05:
            row = self.link()
        if random.random() < 0.3:
            types = (entity_set.type.full_name, "VMM.Nothing", "", 7)
            row = {"odata.type": random.choice(types), **row}
        kind = random.random()
        whole: Any = row
        if kind < 0.1:
            whole = {"d": {"__metadata": {"type": entity_set.type.full_name}, **row}}
        elif kind < 0.14:
            whole = random.choice(
                ([row], {"value": [row]}, {"d": {"results": [row]}}, {"d": None}, "x")
            )
        encoding = random.choice(("utf-8",) * 8 + ("utf-16", "utf-8-sig", "latin-1"))
        told = json.dumps(whole, ensure_ascii=random.random() < 0.7)
        return random.choice(JSON_TYPES), told.encode(encoding, "replace")

    def _xml(self, entity_set: EntitySet) -> tuple[str, bytes]:
        random = self.random
        members = "".join(self._element(entity_set, *pair) for pair in self.row(entity_set).items())
        terms = (entity_set.type.full_name, "VMM.Nothing", "")
        term = quoteattr(random.choice(terms))
        entry = (
            f'<entry xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{METADATA}">'
            f'<category term={term} scheme="{DATA}/scheme"/><title/>'
            f'<content type="application/xml"><m:properties>{members}</m:properties></content>'
            "</entry>"
        )
        encoding = random.choice(("utf-8",) * 8 + ("utf-16", "latin-1", "ascii", "cp037", "utf-7"))
        named = random.choice((encoding, encoding, "utf-8", "nonsense"))
        head = random.choice(("", f'<?xml version="1.0" encoding="{named}"?>'))
        return random.choice(XML_TYPES), (head + entry).encode(encoding, "replace")

    def _element(self, entity_set: EntitySet, name: str, value: Any) -> str:
        random = self.random
        prop = entity_set.type.prop(name)
        given = prop.type if prop else "String"
        types = (
            f"Edm.{given}",
            f"Edm.{given}",
            f"VMM.{given}",
            "Edm.Byte",
            "Collection(VMM.X)",
            "",
        )
        told = f' m:type="{random.choice(types)}"' if random.random() < 0.6 else ""
        if value is None:
            return f'<d:{name}{told} m:null="{random.choice(("true", "1", "TRUE", "x"))}"/>'
        return f"<d:{name}{told}>{self._content(value)}</d:{name}>"

    def _content(self, value: Any) -> str:
        if isinstance(value, list):
            return "".join(f"<d:element>{self._content(each)}</d:element>" for each in value)
        if isinstance(value, dict):
            return "".join(
                f"<d:{name}>{self._content(each)}</d:{name}>" for name, each in value.items()
            )
        if isinstance(value, bool):
            return self.random.choice((str(value), str(value).lower(), "1"))
        return escape(str(value))

    def _hostile(self, entity_set: EntitySet) -> tuple[str, bytes]:
        random = self.random
        if random.random() < 0.5:
            return random.choice(JSON_TYPES), random.choice(self._json_bombs())
        return random.choice(XML_TYPES), random.choice(self._xml_bombs())

    def _json_bombs(self) -> tuple[bytes, ...]:
        hint = f'{{"LocalAdminPassword": "{HINT}", "Name": '.encode()
        return (
            b"",
            b"{",
            b"null",
            b"[" * 100_000,
            b'{"a":' * 20_000,
            b'{"Owner":' * 300 + b"1" + b"}" * 300,
            hint,
            hint + b"}",
            hint + b'"\xff\xfe"}',
            hint + b'"\\ud800"}',
            hint + b'"\\u0000"}',
            hint + b"1" * 6_000 + b"}",
            hint + b"1e99999}",
            hint + b"NaN}",
            hint + b'"x", "Name": "y", "name": "z"}',
            b'{"CPUCount": "' + HINT.encode() + b'"}',
            b'{"StartVM": {"a": "' + HINT.encode() + b'"}}',
            b'{"Name": "' + b"x" * 1_100_000 + b'"}',
            b'{"Name": "' + b"x" * 2_300_000 + b'"}',
            b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}",
            b'{"AddMember": [' + b",".join([b'"a"'] * 20_000) + b"]}",
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b"<not json>",
        )

    def _xml_bombs(self) -> tuple[bytes, ...]:
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
        file = self.known.file.as_uri()
        here = f"https://{self.known.host}/"
        name = (
            f'<entry xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{METADATA}">'
            '<content type="application/xml"><m:properties>'
            f"<d:LocalAdminPassword>{HINT}</d:LocalAdminPassword><d:Name>"
        )
        end = "</d:Name></m:properties></content></entry>"
        return tuple(
            each.encode("utf-8", "surrogatepass")
            for each in (
                f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>{name}&l11;{end}',
                f'<!DOCTYPE x [<!ENTITY e SYSTEM "{file}">]>{name}&e;{end}',
                f'<!DOCTYPE x [<!ENTITY e SYSTEM "{here}">]>{name}&e;{end}',
                f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{file}"> %p;]>{name}{end}',
                f'<!DOCTYPE x SYSTEM "{here}x.dtd">{name}a{end}',
                f'<!DOCTYPE x [<!ENTITY a "{"A" * 50_000}">]>{name}{"&a;" * 10_000}{end}',
                f'{name}<i xmlns="{INCLUDE}" href="{file}" parse="text"/>{end}',
                f'<?xml-stylesheet href="{file}"?>{name}a{end}',
                f"{name}&undefined;{end}",
                f"{name}&#0;&#xD800;{end}",
                f"{name}\x00{end}",
                f"{name}<![CDATA[{'x' * 100_000}]]>{end}",
                "<a>" * 50_000,
                "<a>" * 5_000 + "</a>" * 5_000,
                "<a " + " ".join(f'b{n}="1"' for n in range(20_000)) + "/>",
                "<a " + " ".join(f'xmlns:b{n}="urn:{n}"' for n in range(5_000)) + "/>",
                f"<{'a' * 200_000}/>",
                name + "x" * 1_100_000 + end,
                name,
                "<entry/>",
                f'<feed xmlns="{ATOM}"><entry/></feed>',
                f'<uri xmlns="{DATA}">{file}</uri>',
                "<?xml version='1.0' encoding='utf-32'?><a/>",
                "<?xml version='1.1'?><a/>",
                "",
                "{}",
            )
        )

    def batch(self, parts: list[bytes]) -> tuple[str, bytes]:
        """Return requests as parts of one batch, some of them in a change set."""
        random = self.random
        outer, inner = nobody(random), nobody(random)
        wrapped = [self._part(each) for each in parts]
        cut = random.randrange(len(wrapped) + 1)
        pieces = [f"--{outer}\r\n".encode() + each for each in wrapped[:cut]]
        changes = b"".join(f"--{inner}\r\n".encode() + each for each in wrapped[cut:])
        if changes:
            closing = random.choice((f"--{inner}--\r\n", f"--{inner}--\r\n", ""))
            head = f"--{outer}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n"
            pieces.append(head.encode() + changes + closing.encode())
        body = b"".join(pieces) + random.choice((f"--{outer}--\r\n", f"--{outer}--", "")).encode()
        if random.random() < 0.1:
            body = body.replace(b"\r\n", b"\n")
        told = random.choice((outer, outer, outer, outer, f'"{outer}"', "", "x", outer * 40))
        return f"multipart/mixed; boundary={told}", body

    def _part(self, request: bytes) -> bytes:
        number = self.random.choice(
            ("", f"Content-ID: {self.random.randrange(9)}\r\n", "Content-ID: x\r\n")
        )
        binary = "Content-Transfer-Encoding: binary\r\n"
        return (
            f"Content-Type: application/http\r\n{binary}{number}\r\n".encode() + request + b"\r\n"
        )
