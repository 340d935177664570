"""The Provider service: what a portal tells of its subscriptions and their quotas.

The contract is Windows Azure Pack's for any resource provider, as far as it is known. JSON; XML is
read and written by the same names. Names of members are taken in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from fabric.odata.errors import BadRequest, MethodNotAllowed, NotFound
from fabric.odata.literals import is_writable, parse_guid
from fabric.spf.actions import subscriptions
from fabric.spf.actions.quotas import Settings, default_settings
from fabric.spf.actions.subscriptions import Told
from fabric.spf.models import Account, Group, Subscription, SubscriptionState, Tenant
from fabric.spf.usage_service import told as usage
from fabric.spf.webapi import NOTHING, Answer, guarded, read

Member = Mapping[str, Any]

MOST_AT_ONCE: Final = 1_000
_LONGEST_NAME: Final = 255
_LONGEST_PERSON: Final = 320
# Under any of these a list of settings stands in an object, if it does not stand alone.
_LISTS: Final = ("settings", "quotasettings", "servicequotasettings", "servicequotasettinglist")


@csrf_exempt
def provider_service(request: HttpRequest, path: str) -> HttpResponse:
    """`/provider/…`."""

    def work(account: Account) -> Answer:
        name, _, key = path.strip("/").partition("/")
        name = name.lower()
        method = "GET" if request.method == "HEAD" else str(request.method)
        if name == "subscriptions" and key:
            return _one(method, _guid(key, "The subscription's id"))
        verbs = _VERBS.get(name)
        if verbs is None or key:
            raise NotFound("There is nothing at this address of the Provider service.")
        if method not in verbs:
            raise MethodNotAllowed(f"{name} does not take {method}.")
        return verbs[method](request)

    return guarded(request, Group.PROVIDER, work)


def _all(request: HttpRequest) -> Answer:
    found = Tenant.objects.select_related("subscription").order_by("pk")
    return Answer([_shown(each) for each in found], "Subscriptions")


def _one(method: str, id: UUID) -> Answer:
    if method == "DELETE":
        subscriptions.remove_subscription(id)
        return NOTHING
    if method != "GET":
        raise MethodNotAllowed("A subscription is changed by PUT on subscriptions.")
    tenant = Tenant.objects.select_related("subscription").filter(pk=id).first()
    if tenant is None:
        raise NotFound(f"There is no subscription {id}.")
    return Answer(_shown(tenant), "Subscription")


def _add(request: HttpRequest) -> Answer:
    told = _told(_folded(read(request)))
    return Answer(_shown(subscriptions.add_subscription(told).tenant), "Subscription")


def _change(request: HttpRequest) -> Answer:
    told = _told(_folded(read(request)))
    before = Tenant.objects.select_related("subscription").filter(pk=told.id).first()
    changed = subscriptions.change_subscription(told)
    if changed is not None:
        return Answer(_shown(changed.tenant), "Subscription")
    shown = _shown(before or Tenant(pk=told.id))
    gone = {"State": int(SubscriptionState.DELETE_PENDING), "LifecycleState": "Deleted"}
    return Answer(shown | gone, "Subscription")


def _default(request: HttpRequest) -> Answer:
    return Answer(default_settings(subscriptions.known_stamps()), "QuotaSettings")


def _quota(request: HttpRequest) -> Answer:
    body = _folded(read(request))
    ids = _listed(body, "SubscriptionIdsToUpdate")
    if len(ids) > MOST_AT_ONCE:
        raise BadRequest(f"At most {MOST_AT_ONCE:,} subscriptions are updated at once.")
    query = {name.lower(): value for name, value in request.GET.items()}
    updated = subscriptions.update_quota(
        _settings(body.get("basequota"), "BaseQuota") or [],
        [_settings(each, "AddOnQuotas") or [] for each in _listed(body, "AddOnQuotas")],
        [_guid(each, "SubscriptionIdsToUpdate") for each in ids],
        only_validate=query.get("validateonly", "").strip().lower() in ("true", "1"),
    )
    answer = {
        "UpdatedSubscriptionIds": [str(each) for each in updated.done],
        "FailedSubscriptionIds": [str(each) for each in updated.failed],
        "Error": updated.error,
    }
    return Answer(answer, "QuotaUpdateResult")


_VERBS: Final[dict[str, dict[str, Callable[[HttpRequest], Answer]]]] = {
    "subscriptions": {"GET": _all, "POST": _add, "PUT": _change},
    "defaultquota": {"GET": _default},
    "quota": {"PUT": _quota},
    "usage": {"GET": lambda request: usage(request.GET)},
}


def _shown(tenant: Tenant) -> dict[str, Any]:
    """A tenant nobody told of here is a subscription as well: its portal used the Admin service."""
    known: Subscription | None = getattr(tenant, "subscription", None)
    told = known or Subscription(tenant=tenant, name=tenant.name, state=tenant.account_status)
    is_deleting = told.state == SubscriptionState.DELETE_PENDING
    return {
        "AdminId": told.admin_id,
        "CoAdminIds": list(told.co_admin_ids),
        "LastErrorMessage": told.last_error or None,
        "LifecycleState": "Deleting" if is_deleting else "Provisioned",
        "QuotaSettings": list(told.quota_settings),
        "State": int(told.state),
        "SubscriptionId": str(tenant.pk),
        "SubscriptionName": told.name,
    }


def _told(body: Member) -> Told:
    if body.get("subscriptionid") in (None, ""):
        raise BadRequest("The member SubscriptionId is mandatory.")
    people = [_text(each, "CoAdminIds", _LONGEST_PERSON) for each in _listed(body, "CoAdminIds")]
    has_people = body.get("coadminids") is not None
    return Told(
        id=_guid(body["subscriptionid"], "SubscriptionId"),
        name=_optional(body, "SubscriptionName", _LONGEST_NAME),
        state=_state(body.get("state")),
        admin_id=_optional(body, "AdminId", _LONGEST_PERSON),
        co_admin_ids=[person for person in people if person] if has_people else None,
        # A subscription without any setting is no plan of ours: nothing is said of its quota.
        quota_settings=_settings(body.get("quotasettings"), "QuotaSettings") or None,
    )


def _folded(body: Member) -> Member:
    return {str(name).lower(): value for name, value in body.items()}


def _listed(body: Member, name: str) -> Sequence[Any]:
    found = body.get(name.lower())
    if found is None or found == "":
        return []
    if not isinstance(found, list):
        raise BadRequest(f"The member {name} is a list.")
    return found


def _settings(given: Any, name: str) -> Settings | None:
    """Settings as a list of {Key, Value}, or as an object with such a list in it."""
    if isinstance(given, Mapping):
        folded = _folded(given)
        given = next((folded[each] for each in _LISTS if each in folded), None)
    if given is None or given == "":
        return None
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise BadRequest(f"The member {name} is a list of settings with Key and Value.")
    settings = []
    for each in map(_folded, given):
        key = _text(each.get("key"), "Key", _LONGEST_NAME)
        value = each.get("value")
        if not key or not isinstance(value, str | None):
            raise BadRequest(f"Every setting of {name} has a Key, and a Value that is a text.")
        settings.append({"Key": key, "Value": _kept(value or "", f"the setting {key}")})
    return settings


def _optional(body: Member, name: str, longest: int) -> str | None:
    value = body.get(name.lower())
    return None if value is None or value == "" else _text(value, name, longest)


def _text(value: Any, name: str, longest: int) -> str:
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else None
    if text is None or len(text) > longest or not text.isprintable():
        raise BadRequest(f"The member {name} is a text of up to {longest} printable characters.")
    return text


def _kept(text: str, name: str) -> str:
    """A text of several lines the database can keep."""
    if not is_writable(text):
        raise BadRequest(f"There are characters in {name} that are not allowed.")
    return text


def _guid(value: Any, name: str) -> UUID:
    try:
        return parse_guid(value if isinstance(value, str) else "")
    except ValueError:
        raise BadRequest(f"{name} is no GUID.") from None


def _state(value: Any) -> int | None:
    if value is None or value == "":
        return None
    for state in SubscriptionState:
        if str(value).strip().lower() in (str(int(state)), state.label.lower()):
            return int(state)
    raise BadRequest("The member State is Active (0), Suspended (1) or DeletePending (2).")
