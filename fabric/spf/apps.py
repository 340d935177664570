from django.apps import AppConfig


class SpfConfig(AppConfig):
    name = "fabric.spf"
    label = "spf"
    verbose_name = "Service Provider Foundation"
