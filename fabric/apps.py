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
