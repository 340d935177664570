"""Test deployments: begun from a template or a cloud, and reported on the page of their job."""

from __future__ import annotations

from django.urls import reverse

from fabric.durable.states import LIVE
from fabric.hypervisors.simulated import plan_fault
from fabric.vmm.models import Job, VirtualMachine
from tests.factories.vmm import finish

NEW = "fabric-trial-new"


def carried_out(site, fabric) -> Job:
    """Begin a trial, and do all of its work."""
    words = {
        "template": fabric.template.pk,
        "cloud": fabric.cloud.pk,
        "network": fabric.network.pk,
    }
    answer = site.post(reverse(NEW), words)
    trial = Job.objects.get(recipe="trial")
    assert answer.url == reverse("fabric-job", args=[trial.pk])
    for _turn in range(20):
        finish_others()
        trial = step(trial)
        if trial.is_final:
            break
    return trial


def finish_others() -> None:
    for job in Job.objects.filter(state__in=LIVE).exclude(recipe="trial"):
        finish(job)


def step(trial: Job) -> Job:
    try:
        return finish(trial, turns=1)
    except AssertionError:
        return trial


def test_templates_and_clouds_lead_to_it(site, fabric) -> None:
    template = site.get(reverse("fabric-template", args=[fabric.template.pk])).content.decode()
    cloud = site.get(reverse("fabric-cloud", args=[fabric.cloud.pk])).content.decode()
    assert f"{reverse(NEW)}?template={fabric.template.pk}" in template
    assert f"{reverse(NEW)}?cloud={fabric.cloud.pk}" in cloud
    form = site.get(f"{reverse(NEW)}?template={fabric.template.pk}").content.decode()
    assert f'<option value="{fabric.template.pk}" selected>' in form


def test_a_template_that_deploys(site, fabric) -> None:
    trial = carried_out(site, fabric)
    shown = site.get(reverse("fabric-job", args=[trial.pk])).content.decode()
    for words in ("The template deploys here", "Copy the virtual hard disk", "proved gone"):
        assert words in shown
    assert not VirtualMachine.objects.exists()


def test_a_template_that_does_not(site, fabric, settings) -> None:
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_disk", "fail", times=9)
    trial = carried_out(site, fabric)
    shown = site.get(reverse("fabric-job", args=[trial.pk])).content.decode()
    assert "The template does not deploy here" in shown
    assert "Failed at “Copy the virtual hard disk”" in shown


def test_both_must_be_chosen(site, fabric) -> None:
    refused = site.post(reverse(NEW), {"template": fabric.template.pk}).content.decode()
    assert "This field is required" in refused
