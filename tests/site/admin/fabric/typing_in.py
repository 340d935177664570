"""What a browser would send of a page's form, read from the page itself."""

from __future__ import annotations

from html.parser import HTMLParser


class _Form(HTMLParser):
    """Reads the values of the form whose class is `fabric-form`."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._inside = False
        self._select = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: value or "" for key, value in attrs}
        if tag == "form":
            self._inside = "fabric-form" in told.get("class", "")
        if not self._inside or not (told.get("name") or tag == "option"):
            return
        is_box = told.get("type") in ("checkbox", "radio")
        if tag == "input" and (not is_box or "checked" in told):
            self._add(told["name"], told.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select = told["name"]
        elif tag == "option" and "selected" in told:
            self._add(self._select, told["value"])
        elif tag == "textarea":
            self._text = told["name"]
            self._add(self._text, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text:
            self.values[self._text][0] = self.values[self._text][0].removeprefix("\n")
            self._text = ""
        if tag == "form":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._text:
            self.values[self._text][0] += data

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)


def typed(page: bytes) -> dict[str, list[str]]:
    """Return what stands in the form's fields, by name; what is empty is left out."""
    form = _Form()
    form.feed(page.decode())
    form.values.pop("csrfmiddlewaretoken", None)
    return {name: values for name, values in form.values.items() if values != [""]}


def as_sent(values: dict[str, object]) -> dict[str, list[str]]:
    """Return values as a form sends them."""
    lists = {key: value if isinstance(value, list) else [value] for key, value in values.items()}
    return {key: [str(each) for each in value] for key, value in lists.items()}
