"""The crew: processes that are started again whenever they end, as an orchestrator would."""

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass, field

from tandem_local.processes import ChildProcess

WATCH_SECONDS = 0.1
GRACE_SECONDS = 20.0
STALLED = 3
"""The exit code of a consumer that fails its liveness, as an orchestrator would end it."""


@dataclass
class Member:
    """A process with a role, and how it ended so far."""

    name: str
    role: str
    process: ChildProcess
    done: bool = False
    struck: bool = False
    """Somebody sent it a signal since it was last started."""

    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class Crew:
    """The members of one arena."""

    members: list[Member] = field(default_factory=list)
    restarts: Counter[str] = field(default_factory=Counter)
    ended_by_itself: Counter[str] = field(default_factory=Counter)
    had_to_be_killed: Counter[str] = field(default_factory=Counter)
    _dismissed: set[str] = field(default_factory=set)

    def employ(self, member: Member) -> Member:
        """Start it, and start it again from now on when it ends."""
        member.process.start()
        self.members.append(member)
        return member

    def of(self, role: str) -> list[Member]:
        """The members with this role."""
        return [member for member in self.members if member.role == role]

    async def watch(self) -> None:
        """Start again whoever ended; until cancelled. A writer that ended well has done its work."""
        while True:
            for member in self.members:
                code = member.process.exit_code
                if code is None or member.done or member.name in self._dismissed:
                    continue
                if member.role == "writer" and code == 0:
                    member.done = True
                    continue
                if not member.struck:
                    self.ended_by_itself[f"{member.role}: {self._last_words(member, code)}"] += 1
                member.struck = False
                self.restarts[member.role] += 1
                member.process.start()
            await asyncio.sleep(WATCH_SECONDS)

    def _last_words(self, member: Member, code: int) -> str:
        if code == STALLED:
            return "made no progress for 25 s, so that its liveness failed (it is so while the broker is away)"
        return f"code {code}: {next(iter(member.process.log_tail(1).splitlines()), '')}"

    async def kill(self, member: Member) -> None:
        """SIGKILL; returns when it was started again."""
        member.struck = True
        before = member.process.pid
        member.process.send(signal.SIGKILL)
        await self._started_again(member, before)

    async def terminate(self, member: Member) -> None:
        """SIGTERM, and SIGKILL if it does not end in time; returns when it was started again."""
        member.struck = True
        before = member.process.pid
        member.process.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._started_again(member, before), timeout=GRACE_SECONDS)
        except TimeoutError:
            self.had_to_be_killed[member.role] += 1
            await self.kill(member)

    async def _started_again(self, member: Member, before: int | None) -> None:
        while not member.done and member.process.pid in (None, before):  # noqa: ASYNC110
            await asyncio.sleep(WATCH_SECONDS / 2)

    async def pause(self, member: Member, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after this time."""
        member.process.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        member.process.send(signal.SIGCONT)

    async def dismiss(self, role: str | None = None) -> None:
        """End the members of this role, or all, and do not start them again."""
        leaving = [member for member in self.members if role in (None, member.role)]
        self._dismissed |= {member.name for member in leaving}
        for member in leaving:
            member.process.send(signal.SIGCONT)
            member.process.send(signal.SIGTERM)
        for member in leaving:
            await asyncio.to_thread(member.process.stop, grace_seconds=5)
