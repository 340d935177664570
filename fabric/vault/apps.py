from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "fabric.vault"
    label = "vault"
