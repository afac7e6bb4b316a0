"""What is done with tracks: set one, follow it step by step, and say what is due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault
from tandem_events.contracts import ModuleCompleted, ModuleDue
from tandem_scheduling.domain.pairings import NoSuchPairing
from tandem_scheduling.domain.programs import NoSuchProgram
from tandem_scheduling.domain.tracks import (
    ModuleText,
    NextStep,
    NoSuchModule,
    NoSuchStep,
    Standing,
    StepSettled,
    free_code,
    next_step,
    require_times,
)
from tandem_scheduling.storage import agreements, pairings, programs, reminders, tracks
from tandem_scheduling.storage.reminders import Planned
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.storage.tracks import Module, Step, Track
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.rights import own_next_session, require_member, seen_pairing

NO_STEP = "No step of yours has this id."


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What a pair does next, with the session and the module that it is about."""

    step: NextStep
    session: Session | None
    due: tuple[Step, Module] | None


async def see_track(session: AsyncSession, program_id: UUID, caller: Caller) -> tuple[list[Module], int]:
    """A program's modules, in order, and the track's version; 0 where none was set."""
    await _require_program(session, program_id, caller)
    known = await tracks.track(session, program_id)
    return await tracks.modules(session, program_id), known.version if known else 0


async def set_track(
    session: AsyncSession,
    program_id: UUID,
    texts: Sequence[ModuleText],
    caller: Caller,
    *,
    now: datetime,
    seen: Callable[[int], None],
) -> tuple[list[Module], int]:
    """Set a program's modules, in order. Its ongoing pairs follow them from now on; what they did stays done.

    What is set here holds, also where the program brings modules of its own, which say less: whoever sets a track takes
    over what the program brought, and says what each module is for, what to read, and when else it is due.

    A module that keeps its id stays the same one; `seen` is told the current version and raises where the caller has
    not seen it.

    Raises:
        ModuleWithoutTime: one is never due, or in two ways.
        NoSuchModule: an id is none of this track's, or stands twice.
    """
    await _require_program(session, program_id, caller)
    await programs.lock(session, program_id)
    require_times(texts)
    known = await tracks.track(session, program_id, lock=True)
    seen(known.version if known else 0)
    named = [text.module_id for text in texts if text.module_id is not None]
    if len(set(named)) < len(named) or set(named) - set(await tracks.every_module(session, program_id)):
        sentence = "A module is named that this track does not have, or named twice."
        raise NoSuchModule(sentence, faults=[Fault(sentence, field="modules")])
    version = await _write_track(session, program_id, known, texts, from_program=False, now=now)
    return await tracks.modules(session, program_id), version


async def follow_program(
    session: AsyncSession, program_id: UUID, texts: Sequence[ModuleText], *, now: datetime
) -> None:
    """Follow the modules that a program brings itself, until a track is set here. The program's row is held."""
    known = await tracks.track(session, program_id, lock=True)
    if (known is None and not texts) or (known is not None and not known.from_program):
        return
    current = [_text(module) for module in await tracks.modules(session, program_id)]
    if known is None or current != list(texts):
        await _write_track(session, program_id, known, texts, from_program=True, now=now)


def _text(module: Module) -> ModuleText:
    return ModuleText(
        title=module.title,
        purpose=module.purpose,
        prompts=tuple(module.prompts),
        agenda=tuple(module.agenda),
        reading=tuple(module.reading),
        due_after_days=module.due_after_days,
        due_after_sessions=module.due_after_sessions,
        module_id=module.module_id,
    )


async def _write_track(
    session: AsyncSession,
    program_id: UUID,
    known: Track | None,
    texts: Sequence[ModuleText],
    *,
    from_program: bool,
    now: datetime,
) -> int:
    """Write a program's modules and give its ongoing pairs their steps; the answer is the track's version."""
    if known is None:
        known = Track(program_id=program_id, version=0)
        session.add(known)
    known.version += 1
    known.from_program = from_program
    before = await tracks.every_module(session, program_id)
    kept: list[str] = []
    for position, text in enumerate(texts, start=1):
        module_id = text.module_id or free_code({*before, *kept})
        written = before.get(module_id)
        if written is None:
            written = Module(program_id=program_id, module_id=module_id)
            session.add(written)
        kept.append(module_id)
        written.position, written.current = position, True
        written.title, written.purpose = text.title, text.purpose
        written.prompts, written.agenda, written.reading = list(text.prompts), list(text.agenda), list(text.reading)
        written.due_after_days, written.due_after_sessions = text.due_after_days, text.due_after_sessions
    await session.flush()
    await tracks.retire(session, program_id, but=kept)
    await tracks.plan_for_program(session, program_id, now=now)
    return known.version


async def _require_program(session: AsyncSession, program_id: UUID, caller: Caller) -> None:
    caller.require_manager(program_id)
    if await programs.find(session, program_id) is None:
        raise NoSuchProgram("No program of yours has this id.")


async def list_steps(session: AsyncSession, pairing_id: UUID, caller: Caller) -> list[tuple[Step, Module]]:
    """A pairing's steps, in order."""
    await seen_pairing(session, pairing_id, caller)
    return await tracks.steps_of(session, pairing_id)


async def see_next_step(session: AsyncSession, pairing_id: UUID, caller: Caller, *, now: datetime) -> Next:
    """What the caller does next in a pairing: there is always something."""
    pairing = await seen_pairing(session, pairing_id, caller)
    agreement = await agreements.of_pairing(session, pairing_id)
    following = await own_next_session(session, pairing, caller, now=now)
    steps = await tracks.steps_of(session, pairing_id)
    due = next((one for one in steps if one[0].state == "due"), None)
    return Next(
        step=next_step(
            Standing(
                ended=pairing.ended_at is not None,
                agreement_signed=agreement is not None and agreement.signed_version is not None,
                module_due=due is not None,
                session_booked=following is not None,
                agenda_items=following.agenda_items if following else 0,
            )
        ),
        session=following,
        due=due or next((one for one in steps if one[0].state == "ahead"), None),
    )


async def complete_step(session: AsyncSession, step_id: UUID, caller: Caller, *, now: datetime) -> tuple[Step, Module]:
    """Say that a pair has done a module; also before it is due.

    Raises:
        NoSuchStep: there is none, or the caller may not know of it.
        StepSettled: it is done already, or no longer part of the track.
    """
    found = await tracks.step(session, step_id)
    if found is None:
        raise NoSuchStep(NO_STEP)
    try:
        pairing = await seen_pairing(session, found.pairing_id, caller)
    except NoSuchPairing as unknown:
        raise NoSuchStep(NO_STEP) from unknown
    member_id = require_member(caller, pairing)
    await pairings.lock(session, found.pairing_id)
    step = await tracks.lock_step(session, step_id)
    if step.state in ("done", "dropped"):
        raise StepSettled("This module is done already, or no longer part of your track.")
    step.state, step.completed_at = "done", now
    await say(
        session,
        ModuleCompleted(
            step_id=step_id,
            pairing_id=step.pairing_id,
            program_id=step.program_id,
            module_id=step.module_id,
            position=step.position,
            completed_by=member_id,
            occurred_at=now,
        ),
        of=step,
    )
    return step, await tracks.module_of(session, step)


async def prepared_agenda(session: AsyncSession, pairing_id: UUID, step_id: UUID) -> list[str]:
    """What a module puts on the agenda of the session in which a pair does it.

    Raises:
        NoSuchStep: it is none of this pairing's.
    """
    step = await tracks.step(session, step_id)
    if step is None or step.pairing_id != pairing_id:
        raise NoSuchStep(NO_STEP)
    return (await tracks.module_of(session, step)).agenda


async def say_modules_due(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Say which modules have fallen due, once each, and remind the members; the answer is how many."""
    claimed = await tracks.claim_due(session, now=now, limit=limit)
    planned: list[Planned] = []
    for step, pairing in claimed:
        step.state = "due"
        await say(
            session,
            ModuleDue(
                step_id=step.step_id,
                pairing_id=step.pairing_id,
                program_id=step.program_id,
                module_id=step.module_id,
                position=step.position,
                occurred_at=now,
            ),
            of=step,
        )
        planned += [
            Planned(
                person_id=member_id,
                kind="module_due",
                subject=str(step.step_id),
                pairing_id=step.pairing_id,
                program_id=step.program_id,
                module_id=step.module_id,
                due_at=now,
            )
            for member_id in pairing.member_ids
        ]
    await reminders.plan(session, planned)
    return len(claimed)
