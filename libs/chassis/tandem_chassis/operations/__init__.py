"""What operators do with a running service: look into its archive, and look after its parked events."""

from fastapi import APIRouter, Depends

from tandem_chassis.auth import Caller, CurrentCaller
from tandem_chassis.operations import archive, parked_events

SCOPE = "operations"


async def operator(caller: CurrentCaller) -> Caller:
    """The caller, who must be an administrator or hold the scope `operations`."""
    caller.require_scope(SCOPE)
    return caller


router = APIRouter(prefix="/operations", tags=["operations"], dependencies=[Depends(operator)])
router.include_router(parked_events.router)
router.include_router(archive.router)
