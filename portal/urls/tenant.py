"""The tenant site, port 30081."""

from __future__ import annotations

from django.urls import include, path

from portal.frame import set_theme
from portal.sign_ins import SignIns, end_sign_in
from portal.tenant_site.access import signed_in
from portal.tenant_site.views import (
    accounts,
    adapters,
    add_ons,
    checkpoints,
    configuring,
    copies,
    creating,
    custom_create,
    disks,
    groups,
    invitations,
    jobs,
    keys,
    leaving,
    machine_commands,
    machine_selected,
    machines,
    members,
    operations,
    overview,
    plans,
    roles,
    schedules,
    ssh_keys,
    subscriptions,
    team,
)

machine_pages = [
    path("", machines.index, name="machines"),
    path("new/", creating.choose, name="machine-new"),
    path("new/quick/", creating.quick, name="machine-quick"),
    path("new/custom/", custom_create.begin, name="machine-custom"),
    path("new/custom/<uuid:pk>/discard/", custom_create.discard, name="machine-draft-discard"),
    path("new/custom/<uuid:pk>/<slug:step>/", custom_create.step, name="machine-draft"),
    path("export.csv", machines.export, name="machine-export"),
    path("selected/", machine_selected.selected, name="machine-selected"),
    path("selected/<uuid:pk>/", machine_selected.result, name="machine-selected-result"),
    path("<uuid:pk>/", machines.show, name="machine"),
    path("<uuid:pk>/commands/", machines.commands, name="machine-commands"),
    path("<uuid:pk>/configure/", configuring.show, name="machine-configure"),
    path("<uuid:pk>/configure/words/", configuring.words, name="machine-words"),
    path("<uuid:pk>/configure/size/", configuring.size, name="machine-size"),
    path("<uuid:pk>/configure/tags/", configuring.tags, name="machine-tags"),
    path("<uuid:pk>/configure/protect/", configuring.protect, name="machine-protect"),
    path("<uuid:pk>/configure/end/", configuring.lease, name="machine-end"),
    path("<uuid:pk>/networks/", adapters.index, name="machine-networks"),
    path("<uuid:pk>/networks/attach/", adapters.attach, name="machine-network"),
    path("<uuid:pk>/disks/", disks.index, name="machine-disks"),
    path("<uuid:pk>/disks/add/", disks.attach, name="machine-disk"),
    path("<uuid:pk>/disks/insert/", disks.insert, name="machine-insert"),
    path("<uuid:pk>/disks/eject/", disks.eject, name="machine-eject"),
    path("<uuid:pk>/checkpoints/", checkpoints.index, name="machine-checkpoints"),
    path("<uuid:pk>/checkpoints/new/", checkpoints.create, name="machine-checkpoint"),
    path("<uuid:pk>/clone/", copies.clone, name="machine-clone"),
    path("<uuid:pk>/store/", copies.store, name="machine-store"),
    path("<uuid:pk>/bring-back/", copies.bring_back, name="machine-bring-back"),
    path("<uuid:pk>/rebuild/", copies.rebuild, name="machine-rebuild"),
    path("<uuid:pk>/rescue/", copies.rescue, name="machine-rescue"),
    path("<uuid:pk>/rescue/end/", copies.end_rescue, name="machine-rescue-end"),
    path("adapters/<uuid:pk>/change/", adapters.change, name="adapter-change"),
    path("adapters/<uuid:pk>/detach/", adapters.remove, name="adapter-remove"),
    path("disks/<uuid:pk>/grow/", disks.grow, name="disk-grow"),
    path("disks/<uuid:pk>/remove/", disks.remove, name="disk-remove"),
    path("checkpoints/<uuid:pk>/restore/", checkpoints.restore, name="checkpoint-restore"),
    path("checkpoints/<uuid:pk>/rename/", checkpoints.rename, name="checkpoint-rename"),
    path("checkpoints/<uuid:pk>/delete/", checkpoints.remove, name="checkpoint-remove"),
    path("checkpoints/<uuid:pk>/machine/", checkpoints.to_machine, name="checkpoint-machine"),
    path("<uuid:pk>/activity/", machines.activity, name="machine-activity"),
    path("<uuid:pk>/operate/", machine_commands.operate, name="machine-operate"),
    path("<uuid:pk>/delete/", machine_commands.delete, name="machine-delete"),
    path("<uuid:pk>/resume/", machine_commands.resume, name="machine-resume"),
    path("<uuid:pk>/connect/", machine_commands.connect_to, name="machine-connect"),
]

plan_pages = [
    path("", plans.index, name="plans"),
    path("<uuid:pk>/subscribe/", plans.subscribe, name="plan-subscribe"),
]

subscription_pages = [
    path("", subscriptions.index, name="subscriptions"),
    path("<uuid:pk>/", subscriptions.show, name="subscription"),
    path("<uuid:pk>/use/", subscriptions.use, name="subscription-use"),
    path("<uuid:pk>/name/", subscriptions.rename, name="subscription-rename"),
    path("<uuid:pk>/retry/", subscriptions.retry, name="subscription-retry"),
    path("<uuid:pk>/add-ons/", add_ons.index, name="subscription-add-ons"),
    path("<uuid:pk>/add-ons/drop/", add_ons.drop, name="subscription-add-on-drop"),
    path("<uuid:pk>/leave/", leaving.leave, name="subscription-leave"),
    path("<uuid:pk>/leave/go-on/", leaving.go_on, name="subscription-leave-resume"),
]

group_pages = [
    path("", groups.index, name="groups"),
    path("new/", groups.create, name="group-new"),
    path("import/", groups.import_file, name="groups-import"),
    path("export/", groups.export, name="groups-export"),
    path("<uuid:pk>/", groups.show, name="group"),
    path("<uuid:pk>/edit/", groups.edit, name="group-edit"),
    path("<uuid:pk>/order/", groups.order, name="group-order"),
    path("<uuid:pk>/run/", groups.run, name="group-run"),
    path("<uuid:pk>/resume/", groups.resume, name="group-resume"),
    path("<uuid:pk>/delete/", groups.delete, name="group-delete"),
]

schedule_pages = [
    path("", schedules.index, name="schedules"),
    path("new/", schedules.create, name="schedule-new"),
    path("<uuid:pk>/", schedules.show, name="schedule"),
    path("<uuid:pk>/edit/", schedules.edit, name="schedule-edit"),
    path("<uuid:pk>/switch/", schedules.switch, name="schedule-switch"),
    path("<uuid:pk>/delete/", schedules.delete, name="schedule-delete"),
]

team_pages = [
    path("", team.index, name="team"),
    path("invite/", team.invite, name="team-invite"),
    path("settings/", team.settings, name="team-settings"),
    path("leave/", team.leave, name="team-leave"),
    path("members/<int:pk>/", members.show, name="member"),
    path("members/<int:pk>/remove/", members.remove, name="member-remove"),
    path("invitations/<uuid:pk>/again/", invitations.send_again, name="invitation-again"),
    path("invitations/<uuid:pk>/withdraw/", invitations.withdraw, name="invitation-withdraw"),
    path("roles/", roles.index, name="roles"),
    path("roles/new/", roles.create, name="role-new"),
    path("roles/<uuid:pk>/", roles.show, name="role"),
    path("roles/<uuid:pk>/delete/", roles.delete, name="role-delete"),
]

key_pages = [
    path("", keys.index, name="keys"),
    path("new/", keys.create, name="key-new"),
    path("<uuid:pk>/revoke/", keys.revoke, name="key-revoke"),
]

urlpatterns = [
    path("", overview.show, name="overview"),
    path("machines/", include(machine_pages)),
    path("plans/", include(plan_pages)),
    path("subscriptions/", include(subscription_pages)),
    path("groups/", include(group_pages)),
    path("schedules/", include(schedule_pages)),
    path("activity/", operations.index, name="activity"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/<uuid:pk>/", jobs.show, name="job"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<uuid:pk>/resume/", jobs.resume, name="job-resume"),
    path("team/", include(team_pages)),
    path("invitations/<str:token>/", invitations.open_link, name="invitation"),
    path("account/", accounts.show, name="account"),
    path("account/ssh-keys/", ssh_keys.index, name="ssh-keys"),
    path("account/ssh-keys/<uuid:pk>/remove/", ssh_keys.remove, name="ssh-key-remove"),
    path("account/", include("allauth.account.urls")),
    path("account/security/", include("allauth.mfa.urls")),
    path("account/sign-ins/", SignIns.as_view(), name="usersessions_list"),
    path("account/sign-ins/<int:pk>/end/", signed_in(end_sign_in), name="session-end"),
    path("account/keys/", include(key_pages)),
    path("api/v1/", include("portal.api.urls")),
    path("theme/", set_theme, name="theme"),
]

handler400 = "portal.faults.bad_request"
handler403 = "portal.faults.forbidden"
handler404 = "portal.faults.not_found"
handler500 = "portal.faults.server_error"
