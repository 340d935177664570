"""Addresses of the REST interface, below /api/v1/ of the tenant site."""

from rest_framework.routers import SimpleRouter

from portal.api.machines import MachineViewSet

router = SimpleRouter()
router.register("machines", MachineViewSet, basename="api-machine")
urlpatterns = router.urls
