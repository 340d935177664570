"""Query options: filters of every operator and function, and all the others, well formed or not."""

from __future__ import annotations

from random import Random

from fabric.odata.schema import EntitySet, Model
from tests.fuzz.values import UGLY, literal, quoted, text
from tests.fuzz.world import Known

COMPARISONS = (*("eq", "eq", "ne", "gt", "ge", "lt", "le") * 4, "EQ", "has", "in", "=")
ARITHMETIC = ("add", "sub", "mul", "div", "mod")
TO_TEXT = ("tolower({})", "toupper({})", "trim({})", "substring({},1)", "substring({},1,2)")
OF_TEXT = ("length({})", "indexof({},'a')")
OF_MOMENT = ("year", "month", "day", "hour", "minute", "second")
OF_NUMBER = ("round", "floor", "ceiling")
HOSTILE = 200


class Questions:
    """Makes query strings about one set, not yet encoded."""

    def __init__(self, random: Random, known: Known, model: Model, entity_set: EntitySet) -> None:
        self.random, self.known, self.model, self.set = random, known, model, entity_set

    def query(self) -> str:
        """Return a query string, or none at all."""
        options = [
            self._option() for _ in range(self.random.choice((0, 0, 0, 1, 1, 1, 1, 2, 2, 4)))
        ]
        if self.random.random() < 0.97:
            options = list({each.partition("=")[0]: each for each in options}.values())
        return "&".join(options)

    def _option(self) -> str:
        random = self.random
        makers = (self._filter, self._filter, self._filter, self._filter, self._shape, self._other)
        return random.choice(makers)()

    def _filter(self) -> str:
        kind = self.random.random()
        if kind < 0.08:
            return "$filter=" + self._hostile()
        return "$filter=" + self.condition(self.random.choice((1, 1, 2, 3, 5)))

    def _shape(self) -> str:
        random = self.random
        navs = [nav.name for nav in self.set.type.navs] or ["Nothing"]
        names = [*(prop.name for prop in self.set.type.props), *navs, "*", "VMM.*", "", "Nothing"]
        if random.random() < 0.5:
            count = random.choice((1, 2, 3, 30))
            return "$select=" + ",".join(self._deep(random.choice(names)) for _ in range(count))
        count = random.choice((1, 1, 2, 5, 40))
        return "$expand=" + ",".join(self._deep(random.choice(navs)) for _ in range(count))

    def _deep(self, name: str) -> str:
        random, parts, entity = self.random, [name], self.set.type
        while random.random() < 0.3 and (nav := entity.nav(parts[-1])) is not None:
            entity = self.model.set(nav.target_set).type
            navs = [nav.name for nav in entity.navs]
            parts.append(random.choice([*navs, "Name", "Nothing"]))
        return "/".join(parts)

    def _other(self) -> str:
        random, number = self.random, self.random.choice
        prop = random.choice(self.set.type.props).name
        return random.choice(
            (
                "$top="
                + number(("0", "1", "5", "-1", "1e3", "99999999999999999999", "x", "", "٣")),
                "$skip=" + number(("0", "1", "-1", "9223372036854775808", "2.5", "x")),
                "$skiptoken="
                + number(("", "x", "1", quoted("a"), "guid'" + "0" * 32 + "'", "a,b,c")),
                "$skiptoken=" + ",".join(literal(random, self.known) for _ in range(3)),
                f"$orderby={prop}" + number(("", " asc", " desc", " up", ",Name", " desc,ID asc")),
                "$orderby=" + ",".join([prop] * number((1, 3, 100))),
                f"$orderby={self._operand(2)[0]} desc",
                "$inlinecount=" + number(("allpages", "none", "AllPages", "x")),
                "$format=" + number(("json", "atom", "xml", "application/json;odata=verbose", "x")),
                "$count=true",
                "RunAsynchronously=" + number(("0", "1", "true", "x")),
                "api-version=2013-03",
                "$apply=aggregate(ID)",
                "$callback=alert",
                "$filter",
                "=",
                "&&",
                f"{text(random)}={text(random)}",
            )
        )

    def condition(self, depth: int) -> str:
        """Return a condition whose parts are up to this deep."""
        random = self.random
        if depth <= 0 or random.random() < 0.3:
            return self._comparison(depth)
        inner = self.condition(depth - 1)
        return random.choice(
            (
                f"{inner} and {self.condition(depth - 1)}",
                f"{inner} or {self.condition(depth - 1)}",
                f"not ({inner})",
                f"not {inner}",
                f"({inner})",
                f"( {inner} ) eq true",
                f"({inner}",
                self._lambda(depth),
            )
        )

    def _comparison(self, depth: int) -> str:
        random = self.random
        left, edm_type = self._operand(depth)
        if edm_type == "String" and random.random() < 0.3:
            call = random.choice(("substringof({1},{0})", "startswith({},{})", "endswith({},{})"))
            tail = random.choice(("", " eq true", " eq false"))
            return call.format(left, quoted(text(random))) + tail
        if random.random() < 0.1:
            return random.choice(
                (left, f"{left} eq null", f"isof({left},'Edm.String')", "isof('X')")
            )
        right = literal(random, self.known, edm_type)
        if random.random() < 0.1:
            right = self._operand(depth)[0]
        return f"{left}{random.choice((' ', ' ', '  '))}{random.choice(COMPARISONS)} {right}"

    def _operand(self, depth: int) -> tuple[str, str]:
        random = self.random
        prop = random.choice(self.set.type.props)
        name, edm_type = prop.name, prop.type
        if prop.complex_name:
            member = random.choice(self.model.complex_types[prop.complex_name].props)
            name, edm_type = f"{name}/{member.name}", member.type
        elif self.set.type.navs and random.random() < 0.15:
            nav = random.choice(self.set.type.navs)
            far = random.choice(self.model.set(nav.target_set).type.props)
            name, edm_type = f"{nav.name}/{far.name}", far.type
        if random.random() < 0.03:
            name = random.choice(("Nothing", "ID/ID", "$it", "Owner", "", "'text'", "Name/Length"))
        return (
            self._called(name, edm_type)
            if depth > 0 and random.random() < 0.35
            else (name, edm_type)
        )

    def _called(self, name: str, edm_type: str) -> tuple[str, str]:
        random = self.random
        if edm_type == "String":
            call, result = random.choice(
                [
                    *((form, "String") for form in TO_TEXT),
                    *((form, "Int32") for form in OF_TEXT),
                    ("concat({},'x')", "String"),
                    ("replace({},'a','b')", "String"),
                    ("substring({},-1)", "String"),
                    ("substring({},2147483648)", "String"),
                ]
            )
        elif edm_type == "DateTime":
            call, result = random.choice(OF_MOMENT) + "({})", "Int32"
        elif edm_type in ("Guid", "Boolean") or edm_type.startswith(("Coll", "Compl")):
            kinds = (
                "'Edm.Int32'",
                "'Edm.String'",
                "'Edm.Guid'",
                "'X'",
                "Edm.Int64",
                "'Edm.DateTime'",
            )
            call, result = "cast({}," + random.choice(kinds) + ")", "String"
        else:
            number = literal(random, self.known, "Int32")
            sums = [f"({{}} {word} {number})" for word in ARITHMETIC]
            rounds = [word + "({})" for word in OF_NUMBER]
            call, result = random.choice([*sums, *rounds, "-{}", "--{}", "- ({})"]), edm_type
        if random.random() < 0.05:
            call = random.choice(
                ("sleep({})", "pg_sleep(5)", "length()", "year({},1)", "{}()", "({})")
            )
        return call.replace("{}", name), result

    def _lambda(self, depth: int) -> str:
        many = [nav for nav in self.set.type.navs if nav.many]
        name = self.random.choice(many).name if many else "Nothing"
        word = self.random.choice(("any", "all", "ANY"))
        return self.random.choice(
            (f"{name}/{word}()", f"{name}/{word}(x:x/Name eq 'a')", f"{name}/{word}(x:")
        )

    def _hostile(self) -> str:
        random, name = self.random, self.random.choice(self.set.type.props).name
        grown = name
        for _ in range(random.choice((3, 12, 40))):
            grown = random.choice(
                (f"replace({grown},'a','{'a' * 40}')", f"concat({grown},{grown[:2000]})")
            )
        return random.choice(
            (
                "(" * HOSTILE + f"{name} eq 1" + ")" * HOSTILE,
                "not " * HOSTILE + f"{name} eq 1",
                "-" * HOSTILE + "1 eq 1",
                " or ".join([f"{name} eq 'a'"] * 2000),
                " and ".join(f"substringof('{'a' * n}',{name})" for n in range(60)),
                f"{name} eq " + " add ".join(["1"] * 2000),
                f"length({grown}) gt 0",
                "tolower(" * HOSTILE + name + ")" * HOSTILE + " eq 'a'",
                "/".join(["Cloud"] * HOSTILE) + "/Name eq 'a'",
                f"substringof({quoted('a?' * 2000)},{name})",
                random.choice(UGLY),
            )
        )
