"""Addresses of the REST interface, below /api/v1/ of the tenant site."""

from __future__ import annotations

from django.urls import include, path, re_path

from portal.api import (
    activity,
    adapters,
    catalogue,
    checkpoints,
    commands,
    copies,
    disks,
    docs,
    groups,
    invitations,
    keys,
    machines,
    metrics,
    operations,
    people,
    plans,
    preflight,
    roles,
    schedules,
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
    at("invitations/", invitations.Invitations, "tenant-invitation-list"),
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
    at("clone/", copies.Clone, "machine-clone"),
    at("store/", copies.Store, "machine-store"),
    at("deploy-stored/", copies.DeployStored, "machine-deploy-stored"),
    at("rebuild/", copies.Rebuild, "machine-rebuild"),
    at("rescue/", copies.Rescue, "machine-rescue"),
    at("end-rescue/", copies.EndRescue, "machine-end-rescue"),
    at("media/", copies.Drive, "machine-media"),
    at("disks/", disks.Disks, "machine-disk-list"),
    at("adapters/", adapters.Adapters, "machine-adapter-list"),
    at("checkpoints/", checkpoints.Checkpoints, "machine-checkpoint-list"),
    at("metrics/", metrics.Metrics, "machine-metrics"),
]
of_group = [
    at("", groups.OneGroup, "group"),
    at("run/", groups.RunGroup, "group-run"),
    at("machines/", groups.Places, "group-machine-list"),
    at("machines/<uuid:machine>/", groups.OnePlace, "group-machine"),
    at("machines/<uuid:machine>/move/", groups.MovePlace, "group-machine-move"),
]
of_checkpoint = [
    at("", checkpoints.OneCheckpoint, "checkpoint"),
    at("restore/", checkpoints.RestoreCheckpoint, "checkpoint-restore"),
    at("clone/", checkpoints.CopyCheckpoint, "checkpoint-clone"),
]
urlpatterns = [
    at("me/", people.Me, "me"),
    at("tenants/", people.Tenants, "tenant-list"),
    path("tenants/<uuid:pk>/", include(of_tenant)),
    at("members/<int:pk>/", team.OneMember, "member"),
    at("roles/<uuid:pk>/", roles.OneRole, "role"),
    at("invitations/<uuid:pk>/", invitations.OneInvitation, "invitation"),
    at("invitations/<uuid:pk>/send/", invitations.SendAgain, "invitation-send"),
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
    at("networks/<uuid:pk>/address/", catalogue.NetworkAddress, "network-address"),
    at("library-disks/", catalogue.LibraryDisks, "library-disk-list"),
    at("media/", catalogue.AllMedia, "media-list"),
    at("machines/", machines.Machines, "machine-list"),
    at("machines/several/", machines.ManyMachines, "machine-several"),
    at("machines/preflight/", preflight.Preflight, "machine-preflight"),
    at("machines/command/", commands.CommandMany, "machine-command"),
    path("machines/<uuid:pk>/", include(of_machine)),
    at("disks/<uuid:pk>/", disks.OneDisk, "disk"),
    at("adapters/<uuid:pk>/", adapters.OneAdapter, "adapter"),
    path("checkpoints/<uuid:pk>/", include(of_checkpoint)),
    at("groups/", groups.Groups, "group-list"),
    at("groups/import/", groups.ImportGroups, "group-import"),
    path("groups/<uuid:pk>/", include(of_group)),
    at("schedules/", schedules.Schedules, "schedule-list"),
    at("schedules/<uuid:pk>/", schedules.OneSchedule, "schedule"),
    at("schedules/<uuid:pk>/runs/", schedules.Runs, "schedule-run-list"),
    at("operations/", operations.Operations, "operation-list"),
    at("operations/<uuid:pk>/", operations.OneOperation, "operation"),
    at("operations/<uuid:pk>/cancel/", operations.CancelOperation, "operation-cancel"),
    at("operations/<uuid:pk>/resume/", operations.ResumeOperation, "operation-resume"),
    at("activity/", activity.Activity, "activity-list"),
    path("openapi.json", docs.openapi, {"form": "json"}, name="api-openapi-json"),
    path("openapi.yaml", docs.openapi, {"form": "yaml"}, name="api-openapi-yaml"),
    path("docs/", docs.index, name="api-docs"),
    path("docs/problems/", docs.problems, name="api-docs-problems"),
    path("docs/<slug:slug>/", docs.tag, name="api-docs-tag"),
    re_path(r"^.*$", nowhere, name="api-nowhere"),
]
