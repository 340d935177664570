"""The admin site, port 30091."""

from __future__ import annotations

from allauth.account import urls as account_urls
from allauth.mfa import urls as factor_urls
from django.urls import include, path

from portal.admin_site.access import gated, operator_required
from portal.admin_site.views import (
    activity,
    add_ons,
    clouds,
    overview,
    plans,
    providers,
    quotas,
    registrations,
    setup,
    subscriptions,
    users,
)
from portal.frame import set_theme
from portal.sign_ins import SignIns, end_sign_in

vm_clouds = [
    path("", providers.index, name="vmclouds"),
    path("register/", providers.register, name="provider-register"),
    path("endpoints/<uuid:pk>/", providers.show, name="provider"),
    path("endpoints/<uuid:pk>/register/", providers.register_stamp, name="stamp-register"),
    path("endpoints/<uuid:pk>/refresh/", providers.refresh, name="provider-refresh"),
    path("endpoints/<uuid:pk>/check/", registrations.check, name="provider-check"),
    path("endpoints/<uuid:pk>/edit/", registrations.edit, name="provider-edit"),
    path("endpoints/<uuid:pk>/remove/", registrations.remove, name="provider-remove"),
    path("stamps/<uuid:pk>/edit/", registrations.rename_stamp, name="stamp-edit"),
    path("clouds/<uuid:pk>/", clouds.show, name="cloud"),
]

plan_pages = [
    path("", plans.index, name="plans"),
    path("new/", plans.create, name="plan-new"),
    path("<uuid:pk>/", plans.show, name="plan"),
    path("<uuid:pk>/quotas/", quotas.edit, name="plan-quotas"),
    path("<uuid:pk>/edit/", plans.edit, name="plan-edit"),
    path("<uuid:pk>/access/", plans.change_access, name="plan-access"),
]

add_on_pages = [
    path("", add_ons.index, name="add-ons"),
    path("new/", add_ons.create, name="add-on-new"),
    path("<uuid:pk>/", add_ons.show, name="add-on"),
    path("<uuid:pk>/edit/", add_ons.edit, name="add-on-edit"),
    path("<uuid:pk>/access/", add_ons.change_access, name="add-on-access"),
]

user_pages = [
    path("", users.index, name="users"),
    path("new/", users.create, name="user-new"),
    path("<uuid:pk>/", users.show, name="user"),
    path("<uuid:pk>/subscribe/", users.subscribe, name="user-subscribe"),
]

subscription_pages = [
    path("", subscriptions.index, name="subscriptions"),
    path("<uuid:pk>/", subscriptions.show, name="subscription"),
    path(
        "machines/<uuid:pk>/protection/", subscriptions.lift_protection, name="machine-protection"
    ),
    path("<uuid:pk>/retry/", subscriptions.retry, name="subscription-retry"),
    path("<uuid:pk>/state/", subscriptions.change_state, name="subscription-state"),
    path("<uuid:pk>/delete/", subscriptions.delete, name="subscription-delete"),
    path(
        "<uuid:pk>/delete/go-on/",
        subscriptions.go_on_deleting,
        name="subscription-delete-resume",
    ),
]

urlpatterns = [
    path("", overview.show, name="overview"),
    path("set-up/", setup.set_up, name="setup"),
    path("account/", include(gated(account_urls.urlpatterns))),
    path("account/security/", include(gated(factor_urls.urlpatterns))),
    path("account/sign-ins/", operator_required(SignIns.as_view()), name="usersessions_list"),
    path("account/sign-ins/<int:pk>/end/", operator_required(end_sign_in), name="session-end"),
    path("vm-clouds/", include(vm_clouds)),
    path("plans/", include(plan_pages)),
    path("add-ons/", include(add_on_pages)),
    path("users/", include(user_pages)),
    path("subscriptions/", include(subscription_pages)),
    path("fabric/", include("portal.admin_site.fabric.urls")),
    path("activity/", activity.index, name="activity"),
    path("activity/<uuid:pk>/", activity.show, name="activity-entry"),
    path("theme/", set_theme, name="theme"),
]

handler400 = "portal.faults.bad_request"
handler403 = "portal.faults.forbidden"
handler404 = "portal.faults.not_found"
handler500 = "portal.faults.server_error"
