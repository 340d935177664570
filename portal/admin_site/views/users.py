"""Users: the list, a new one, one user and what they have."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from fabric.actions import subscriptions
from plans.models import Subscription
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.acts import acts
from portal.admin_site.forms.filters import UserFilter
from portal.admin_site.forms.users import SubscribeForm, UserForm
from portal.admin_site.listing import listed
from tenants.errors import Refused
from tenants.models import User

RECENT_ACTS = 10
SORTS = {
    "email": "email",
    "name": "name",
    "kind": "is_operator",
    "state": "is_active",
    "subscriptions": "subscriptions_now",
    "joined": "date_joined",
}


@operator_required
def index(request: HttpRequest) -> HttpResponse:
    """List everybody."""
    filters = UserFilter(request.GET)
    context = listed(request, filters.narrow(with_subscriptions()), SORTS, default="email")
    context["filters"] = filters
    return render(request, "admin_site/users/index.html", context)


@operator_required
@sensitive_post_parameters("password")
def create(request: HttpRequest) -> HttpResponse:
    """Make a user. The button *Generate* comes back with a password and stores nothing."""
    if "generate" in request.POST:
        form = UserForm.with_new_password(request.POST.dict())
    else:
        form = UserForm(request.POST or None)
    if form.is_valid():
        try:
            user = subscriptions.create_user(by=request.user, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(request, _("%s has an account.") % user.email)
            return redirect("user", user.pk)
    return render(request, "admin_site/users/new.html", {"form": form})


@operator_required
def show(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a user's tenants, subscriptions and latest acts."""
    person = get_object_or_404(User, pk=pk)
    held = Subscription.objects.visible_to(person).select_related("plan", "tenant")
    context = {
        "person": person,
        "memberships": person.memberships.select_related("tenant").order_by("tenant__name"),
        "subscriptions": held,
        "acts": acts().filter(actor=person)[:RECENT_ACTS],
    }
    return render(request, "admin_site/users/show.html", context)


@operator_required
def subscribe(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Subscribe one of a user's tenants to one more plan."""
    person = get_object_or_404(User, pk=pk)
    form = SubscribeForm(request.POST or None, user=person)
    if form.is_valid():
        try:
            subscription = subscriptions.subscribe(by=request.user, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            return redirect("subscription", subscription.pk)
    return render(request, "admin_site/users/subscribe.html", {"form": form, "person": person})


def with_subscriptions() -> QuerySet[User]:
    """Return everybody with `subscriptions_now`: how many their tenants hold."""
    held = (
        Subscription.objects.filter(tenant__memberships__user=OuterRef("pk"))
        .order_by()
        .values("tenant__memberships__user")
        .annotate(number=Count("pk"))
        .values("number")
    )
    number = Coalesce(Subquery(held), 0, output_field=IntegerField())
    return User.objects.annotate(subscriptions_now=number)
