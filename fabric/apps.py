from django.apps import AppConfig

from plans import services

VM_CLOUDS = services.Service(
    key="vmclouds",
    title="Virtual machine clouds",
    description="Virtual machines from the clouds of a registered VMM server.",
    quota_url="plan-quotas",
)


class FabricConfig(AppConfig):
    name = "fabric"
    verbose_name = "Virtual machine clouds"

    def ready(self) -> None:
        services.register(VM_CLOUDS)
        # Models are loaded by now, and actions need them.
        from fabric.actions import leases, power, schedules
        from fabric.jobs import asking

        asking.hand_in(
            operate=power.operate,
            run_due=schedules.run_due,
            end_leases=leases.run_due,
        )
