from django.apps import AppConfig


class VMMConfig(AppConfig):
    name = "fabric.vmm"
    label = "vmm"
    verbose_name = "Virtual Machine Manager"
