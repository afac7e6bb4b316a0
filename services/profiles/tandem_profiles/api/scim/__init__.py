"""SCIM 2.0 (RFC 7643, RFC 7644): identity providers keep users and groups here."""

import asyncio
from importlib import import_module

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/scim/v2"


class ScimRoutes(BaseRoute):
    """SCIM's routes. Their models take a third of a service's start to load, so the first request loads them."""

    def __init__(self) -> None:
        self._routes: ASGIApp | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Every request below the prefix."""
        is_scim = scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/")
        return (Match.FULL if is_scim else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: str) -> URLPath:
        """No address is made of a route's name here. Raises `NoMatchFound`."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; others are served while the routes are loaded."""
        if self._routes is None:
            routes = await asyncio.to_thread(import_module, "tandem_profiles.api.scim.routes")
            self._routes = routes.router
        await self._routes(scope, receive, send)
