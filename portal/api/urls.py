"""Addresses of the REST interface, below /api/v1/ of the tenant site."""

from __future__ import annotations

from django.urls import include, path, re_path

from portal.api import (
    activity,
    catalogue,
    commands,
    keys,
    machines,
    operations,
    people,
    plans,
    roles,
    subscriptions,
    team,
)
from portal.api.frame.elsewhere import nowhere
from portal.api.frame.endpoint import Endpoint


def at(address: str, view: type[Endpoint], name: str):
    """Return the route to an endpoint; its name begins with api-, as all of them do."""
    return path(address, view.as_view(), name=f"api-{name}")


of_tenant = [
    at("", people.OneTenant, "tenant"),
    at("members/", team.Members, "tenant-member-list"),
    at("roles/", roles.Roles, "tenant-role-list"),
]
of_subscription = [
    at("", subscriptions.OneSubscription, "subscription"),
    at("usage/", subscriptions.Usage, "subscription-usage"),
    at("retry/", subscriptions.Retry, "subscription-retry"),
    at("add-ons/", subscriptions.TakenAddOns, "subscription-add-on-list"),
    at("add-ons/<uuid:taken>/", subscriptions.OneTakenAddOn, "subscription-add-on"),
]
of_machine = [
    at("", machines.OneMachine, "machine"),
    *(at(f"{word}/", view, f"machine-{word}") for word, view in commands.POWER.items()),
]
urlpatterns = [
    at("me/", people.Me, "me"),
    at("tenants/", people.Tenants, "tenant-list"),
    path("tenants/<uuid:pk>/", include(of_tenant)),
    at("members/<int:pk>/", team.OneMember, "member"),
    at("roles/<uuid:pk>/", roles.OneRole, "role"),
    at("api-keys/", keys.ApiKeys, "api-key-list"),
    at("api-keys/<uuid:pk>/", keys.OneApiKey, "api-key"),
    at("plans/", plans.Plans, "plan-list"),
    at("plans/<uuid:pk>/", plans.OnePlan, "plan"),
    at("plans/<uuid:pk>/add-ons/", plans.PlanAddOns, "plan-add-on-list"),
    at("subscriptions/", subscriptions.Subscriptions, "subscription-list"),
    path("subscriptions/<uuid:pk>/", include(of_subscription)),
    at("templates/", catalogue.Templates, "template-list"),
    at("hardware-profiles/", catalogue.HardwareProfiles, "hardware-profile-list"),
    at("networks/", catalogue.Networks, "network-list"),
    at("library-disks/", catalogue.LibraryDisks, "library-disk-list"),
    at("media/", catalogue.AllMedia, "media-list"),
    at("machines/", machines.Machines, "machine-list"),
    at("machines/several/", machines.ManyMachines, "machine-several"),
    path("machines/<uuid:pk>/", include(of_machine)),
    at("operations/", operations.Operations, "operation-list"),
    at("operations/<uuid:pk>/", operations.OneOperation, "operation"),
    at("activity/", activity.Activity, "activity-list"),
    re_path(r"^.*$", nowhere, name="api-nowhere"),
]
