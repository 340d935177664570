"""The addresses of what is more than a noun."""

from __future__ import annotations

from django.urls import path

from portal.admin_site.fabric.nouns import noun_of
from portal.admin_site.fabric.pages import (
    capacity,
    drift,
    hosts,
    jobs,
    machine_acts,
    machines,
    spf,
    trials,
)
from portal.admin_site.fabric.views import edit_of, index_of, remove_of, show_of

ACCOUNT = noun_of("spf-account")

urlpatterns = [
    path("machines/", index_of(noun_of("machine")), name="fabric-machine-list"),
    path("machines/new/", machine_acts.new_page, name="fabric-machine-new"),
    path("machines/<uuid:pk>/", machines.show_page, name="fabric-machine"),
    path("machines/<uuid:pk>/operate/", machine_acts.operate_page, name="fabric-machine-operate"),
    path("machines/<uuid:pk>/<slug:act>/", machine_acts.act_page, name="fabric-machine-act"),
    path("jobs/", index_of(noun_of("job")), name="fabric-job-list"),
    path("jobs/<uuid:pk>/", jobs.show_page, name="fabric-job"),
    path("jobs/<uuid:pk>/do/", jobs.do_page, name="fabric-job-do"),
    path("capacity/", capacity.show_page, name="fabric-capacity"),
    path("hosts/<uuid:pk>/live/", hosts.live_page, name="fabric-host-live"),
    path("hosts/<uuid:pk>/do/", hosts.do_page, name="fabric-host-do"),
    path("trials/new/", trials.new_page, name="fabric-trial-new"),
    path("drift/", drift.index_page, name="fabric-drift-list"),
    path("drift/compare/", drift.compare_page, name="fabric-drift-compare"),
    path("drift/<uuid:pk>/", drift.show_page, name="fabric-drift"),
    path("drift/<uuid:pk>/<slug:verb>/", drift.act_page, name="fabric-drift-act"),
    path("spf/", spf.check_page, name="fabric-spf"),
    path("spf/accounts/", index_of(ACCOUNT), name=ACCOUNT.list_name),
    path("spf/accounts/new/", spf.new_page, name=ACCOUNT.new_name),
    path("spf/accounts/<int:pk>/", show_of(ACCOUNT), name=ACCOUNT.show_name),
    path("spf/accounts/<int:pk>/edit/", edit_of(ACCOUNT), name=ACCOUNT.edit_name),
    path("spf/accounts/<int:pk>/remove/", remove_of(ACCOUNT), name=ACCOUNT.remove_name),
    path("spf/accounts/<int:pk>/password/", spf.password_page, name="fabric-spf-account-password"),
    path("spf/accounts/<int:pk>/do/", spf.do_page, name="fabric-spf-account-do"),
]
