"""The way into the two services that are no OData: JSON, or the same as XML for who asks for it.

What goes wrong is told as `{Code, Message, Details}`, in XML as `Error` with Severity and State.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element

from django.http import HttpRequest, HttpResponse

from fabric.odata.errors import BadRequest, Forbidden, ODataError
from fabric.odata.jsonread import load
from fabric.odata.negotiate import Format, body_format, pick_format
from fabric.odata.xml import DECLARATION, MAX_ELEMENTS, escape, local_name, parse
from fabric.spf import answers
from fabric.spf.accounts import NotSignedIn, sign_in
from fabric.spf.calls import read_body
from fabric.spf.guarding import refusal
from fabric.spf.models import Account

NAMESPACE: Final = "http://schemas.microsoft.com/windowsazure"
# What an element of a list is called in XML, by the name of the list.
_ITEMS: Final = {
    "QuotaSettings": "ServiceQuotaSetting",
    "Subscriptions": "Subscription",
    "Details": "Detail",
    "UsageRecords": "UsageRecord",
}
_CODES: Final = {
    400: "BadRequest",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
}


@dataclass(frozen=True)
class Answer:
    """A value of the kinds JSON has, and the name of its root element in XML; or nothing."""

    value: Any = None
    name: str = ""
    status: int = 200


NOTHING: Final = Answer(status=204)
Work = Callable[[Account], Answer]


def guarded(request: HttpRequest, group: str, work: Work) -> HttpResponse:
    """Whatever happens, an answer in the caller's format and never a stack trace."""
    in_xml = False
    try:
        account = sign_in(request.headers.get("Authorization"), request.META["REMOTE_ADDR"])
        in_xml = _wants_xml(request)
        if not account.has(group):
            raise Forbidden(f"The account is not a member of {group}.")
        return _told(work(account), in_xml)
    except NotSignedIn as error:
        return answers.challenge(error.retry_after)
    except Exception as error:
        told = refusal(error)
        if told is None:
            return answers.broken(error, Format.ATOM if in_xml else Format.JSON_MINIMAL)
        return _refused(told, in_xml)


def read(request: HttpRequest) -> Mapping[str, Any]:
    """The object in the body, JSON or XML; in XML every value is a text. Raises BadRequest."""
    body = read_body(request)
    is_xml = body.lstrip()[:1] == b"<"
    if request.content_type:
        is_xml = not body_format(request.headers.get("Content-Type")).is_json
    found = _of_element(parse(body, MAX_ELEMENTS)) if is_xml else load(body)
    if not isinstance(found, dict):
        raise BadRequest("The body is not an object.")
    return found


def _of_element(element: Element) -> Any:
    """Lists are told by their items: elements of one name, or an empty list's own name."""
    children = list(element)
    if not children:
        return element.text or ""
    names = {local_name(each) for each in children}
    if names <= {*_ITEMS.values(), "string", "guid"}:
        return [_of_element(each) for each in children]
    return {local_name(each): _of_element(each) for each in children}


def _wants_xml(request: HttpRequest) -> bool:
    accept = request.headers.get("Accept", "").strip()
    if not accept or "*/*" in accept:
        return False
    return not pick_format(accept).is_json


def _told(answer: Answer, in_xml: bool) -> HttpResponse:
    if answer.status == NOTHING.status:
        return answers.finish(HttpResponse(status=answer.status))
    if in_xml:
        body = DECLARATION + _element(answer.name, answer.value, f' xmlns="{NAMESPACE}"')
        kind = "application/xml;charset=utf-8"
    else:
        body = json.dumps(answer.value, separators=(",", ":"))
        kind = "application/json;charset=utf-8"
    response = HttpResponse(body.encode(), status=answer.status, content_type=kind)
    return answers.finish(response)


def _refused(error: ODataError, in_xml: bool) -> HttpResponse:
    said: dict[str, Any] = {
        "Code": error.code or _CODES.get(error.status, "InternalError"),
        "Message": error.message,
    }
    if in_xml:
        said |= {"Severity": "Error", "State": "0"}
    else:
        said["Details"] = []
    return _told(Answer(said, "Error", error.status), in_xml)


def _element(name: str, value: Any, attributes: str = "") -> str:
    if value is None or value == "":
        return f"<{name}{attributes} />"
    if isinstance(value, Mapping):
        inside = "".join(_element(key.replace(" ", ""), each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        item = _ITEMS.get(name, "string")
        inside = "".join(_element(item, each) for each in value)
    else:
        inside = escape(str(value))
    return f"<{name}{attributes}>{inside}</{name}>"
