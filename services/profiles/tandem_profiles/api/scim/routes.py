"""All routes of SCIM. Only asked for once somebody speaks SCIM: see the package."""

from fastapi import APIRouter

from tandem_profiles.api.scim.bulk import router as bulk_router
from tandem_profiles.api.scim.discovery import router as discovery_router
from tandem_profiles.api.scim.resources import router as resources_router

PARTS = (discovery_router, bulk_router, resources_router)

router = APIRouter()
for part in PARTS:
    router.include_router(part)
