"""The advisor: a platform team's own service that may veto or recommend candidate pairs, asked over HTTP.

It is sent `{"run_id", "program_id", "pairs": [{"mentor_id", "mentee_id"}]}` and answers
`{"opinions": [{"mentor_id", "mentee_id", "veto", "value", "words"}]}`; whoever it does not mention it has nothing to
say about. Nothing else of a person leaves matching, and an answer that breaks this contract is not used at all.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tandem_matching.domain.people import Opinion
from tandem_matching.settings import Settings

Pair = tuple[UUID, UUID]

PAIRS_AT_ONCE = 5_000
"""So many pairs are asked about in one request."""
BYTES_BEFORE, BYTES_EACH = 65_536, 1_024
"""An answer may be so long, and so much longer for each pair asked about; more of it is not read."""


class Unheard(Exception):
    """The advisor gave no answer that can be used; the argument says why: `late`, `unreachable`, `refused`, ..."""


class _Opinion(BaseModel):
    model_config = ConfigDict(extra="ignore")

    mentor_id: UUID
    mentee_id: UUID
    veto: bool = Field(default=False, strict=True)
    value: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    words: Annotated[str | None, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = None


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    opinions: list[_Opinion]


class Advisor:
    """The advisor of this installation, for one run: its deadline is that of all questions together."""

    def __init__(self, settings: Settings, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._url = settings.match_advisor_url
        self._token = settings.match_advisor_token
        self._seconds = settings.match_advisor_deadline_seconds
        self._transport = transport

    async def ask(self, run_id: UUID, program_id: UUID, pairs: Sequence[Pair]) -> dict[Pair, Opinion]:
        """What the advisor says of these pairs (mentor, mentee); those it does not mention are left out.

        Waits no longer than what is left of the deadline. Asking again is safe: the advisor is told nothing new.

        Raises:
            Unheard: there is no advisor, it was late or away, it refused, or its answer breaks the contract.
        """
        if self._url is None:
            raise Unheard("not_configured")
        clock = asyncio.get_running_loop().time
        began, opinions = clock(), dict[Pair, Opinion]()
        try:
            async with asyncio.timeout(self._seconds):
                for begin in range(0, len(pairs), PAIRS_AT_ONCE):
                    opinions |= await self._ask_once(run_id, program_id, pairs[begin : begin + PAIRS_AT_ONCE])
        except TimeoutError as fault:
            raise Unheard("late") from fault
        finally:
            self._seconds = max(0.0, self._seconds - (clock() - began))
        return opinions

    async def _ask_once(self, run_id: UUID, program_id: UUID, pairs: Sequence[Pair]) -> dict[Pair, Opinion]:
        question = {
            "run_id": str(run_id),
            "program_id": str(program_id),
            "pairs": [{"mentor_id": str(mentor), "mentee_id": str(mentee)} for mentor, mentee in pairs],
        }
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"} if self._token else {}
        try:
            async with (
                httpx2.AsyncClient(transport=self._transport, timeout=self._seconds, trust_env=False) as client,
                client.stream("POST", str(self._url), json=question, headers=headers) as answer,
            ):
                if answer.status_code != 200:
                    raise Unheard("refused")
                body = await _read(answer, at_most=BYTES_BEFORE + BYTES_EACH * len(pairs))
        except httpx2.TimeoutException as fault:
            raise Unheard("late") from fault
        except (httpx2.HTTPError, OSError) as fault:
            raise Unheard("unreachable") from fault
        return _opinions(body, frozenset(pairs))


async def _read(answer: httpx2.Response, *, at_most: int) -> bytes:
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > at_most:
            raise Unheard("nonsense")
    return bytes(body)


def _opinions(body: bytes, asked: frozenset[Pair]) -> dict[Pair, Opinion]:
    """The opinions of an answer. Raises `Unheard` for what is no answer to what was asked."""
    try:
        said = _Answer.model_validate(json.loads(body, parse_constant=_refuse))
    except (ValidationError, ValueError, RecursionError) as fault:
        raise Unheard("nonsense") from fault
    opinions = {
        (one.mentor_id, one.mentee_id): Opinion(veto=one.veto, value=one.value, words=one.words)
        for one in said.opinions
    }
    if len(opinions) < len(said.opinions) or not asked.issuperset(opinions):
        raise Unheard("nonsense")  # it contradicts itself, or speaks of pairs that nobody asked about
    return opinions


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
