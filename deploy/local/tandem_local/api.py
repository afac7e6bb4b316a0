"""Calls the services over HTTP as any client would: with a token, idempotency keys, and problem documents."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx2

from tandem_local.addresses import Addresses
from tandem_local.refusals import NotAnswering, Refused

TIMEOUT_SECONDS = 60.0


class Api:
    """The four services, called with one bearer token. Blocks; use as a context manager."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        token: Callable[[], str],
        environment: Mapping[str, str] = os.environ,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`token` is asked for once, at the first call."""
        self._addresses = addresses
        self._environment = environment
        self._token = token
        self._header: dict[str, str] = {}
        # Proxies of the environment are for the world outside; the services are on this machine or inside the company.
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False, transport=transport)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, service: str, path: str, **parameters: Any) -> Any:
        """The answer's JSON.

        Raises:
            Refused: the service refused.
            NotAnswering: it does not answer.
        """
        return self._call(service, "GET", path, params=parameters)

    def post(
        self,
        service: str,
        path: str,
        document: Any = None,
        *,
        content: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        **parameters: Any,
    ) -> Any:
        """The answer's JSON. With the same `key` a repetition has no second effect; without, each call is its own."""
        sent = {"idempotency-key": f'"{key or uuid4()}"', **(headers or {})}
        return self._call(service, "POST", path, params=parameters, json=document, content=content, headers=sent)

    def put(self, service: str, path: str, document: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON."""
        return self._call(service, "PUT", path, json=document, headers=dict(headers or {}))

    def pages(self, service: str, path: str, *, limit: int = 500, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list that comes in pages."""
        cursor: str | None = None
        while True:
            page = self.get(
                service, path, limit=limit, **parameters, **({"cursor": cursor} if cursor is not None else {})
            )
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _call(self, service: str, method: str, path: str, **request: Any) -> Any:
        if not self._header:
            self._header = {"authorization": f"Bearer {self._token()}"}
        url = self._addresses.service_url(service, self._environment) + path
        headers = {**self._header, **(request.pop("headers", None) or {})}
        try:
            answer = self._client.request(method, url, headers=headers, **request)
        except httpx2.HTTPError as fault:
            raise NotAnswering(f"{service} does not answer at {url} ({type(fault).__name__}).") from fault
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            problem = answer.json()
        except json.JSONDecodeError:
            problem = {}
        raise Refused(service, answer.status_code, problem if isinstance(problem, dict) else {})


def until(condition: Callable[[], bool], *, within_seconds: float, what: str, every_seconds: float = 0.05) -> None:
    """Return when `condition()` holds. Blocks.

    Raises:
        NotAnswering: it does not hold in time; the sentence says what was waited for.
    """
    deadline = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotAnswering(f"{what} did not happen within {within_seconds:g} s.")
        time.sleep(every_seconds)
