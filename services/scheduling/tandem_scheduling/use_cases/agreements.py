"""What is done with agreements: propose, look, sign, amend in writing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.auth import Caller
from tandem_events.contracts import AgreementAmended, AgreementProposed, AgreementSigned
from tandem_scheduling.domain.agreements import (
    NoSuchAgreement,
    Terms,
    is_complete,
    proposed_from_policy,
    require_change,
    require_signature_wanted,
    terms_of,
)
from tandem_scheduling.domain.pairings import NoSuchPairing
from tandem_scheduling.storage import agreements
from tandem_scheduling.storage.agreements import Agreement, Revision, Signature
from tandem_scheduling.storage.pairings import Pairing
from tandem_scheduling.storage.programs import Program
from tandem_scheduling.use_cases.cadence import expect
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.rights import held_pairing, require_member, seen_pairing

NO_AGREEMENT = "No agreement of yours has this id."


@dataclass(frozen=True, slots=True)
class AgreementView:
    """An agreement's newest version: its terms and who signed it."""

    agreement: Agreement
    terms: Terms
    signatures: list[Signature]

    @property
    def state(self) -> str:
        """`proposed`, or `signed` once every member signed this version."""
        return "signed" if self.agreement.signed_version == self.agreement.agreement_version else "proposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an agreement."""

    revision: Revision
    terms: Terms
    signatures: list[Signature]


async def propose_agreement(session: AsyncSession, pairing: Pairing, program: Program, *, at: datetime) -> None:
    """Propose a pairing's first agreement from its program's policy."""
    terms = proposed_from_policy(
        meeting_every_days=program.meeting_every_days,
        meeting_minutes=program.meeting_minutes,
        roles={member.role for member in pairing.members},
    )
    agreement = agreements.add(session, uuid7(), pairing_id=pairing.pairing_id, program_id=pairing.program_id)
    await session.flush()
    agreements.add_revision(session, agreement, terms=terms.as_document(), proposed_by=None, proposed_at=at)
    await say(
        session,
        AgreementProposed(
            agreement_id=agreement.agreement_id,
            pairing_id=pairing.pairing_id,
            program_id=pairing.program_id,
            agreement_version=agreement.agreement_version,
            meeting_every_days=terms.meeting_every_days,
            meeting_minutes=terms.meeting_minutes,
            occurred_at=at,
        ),
        of=agreement,
    )


async def see_agreement(session: AsyncSession, pairing_id: UUID, caller: Caller) -> AgreementView:
    """The newest version of a pairing's agreement.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
    """
    await seen_pairing(session, pairing_id, caller)
    agreement = await agreements.of_pairing(session, pairing_id)
    assert agreement is not None, "a pairing is kept together with its agreement"
    return await view(session, agreement)


async def view(session: AsyncSession, agreement: Agreement) -> AgreementView:
    """An agreement's newest version with its terms and signatures."""
    identity = (agreement.agreement_id, agreement.agreement_version)
    revision = await agreements.revision(session, *identity)
    return AgreementView(agreement, terms_of(revision.terms), await agreements.signatures(session, *identity))


async def held_agreement(session: AsyncSession, agreement_id: UUID, caller: Caller) -> tuple[Pairing, Agreement]:
    """An agreement of an ongoing pairing that the caller belongs to, held until the transaction ends.

    Raises:
        NoSuchAgreement: there is none, or the caller may not know of it.
    """
    found = await agreements.find(session, agreement_id)
    if found is None:
        raise NoSuchAgreement(NO_AGREEMENT)
    try:
        pairing = await held_pairing(session, found.pairing_id, caller)
    except NoSuchPairing as unknown:
        raise NoSuchAgreement(NO_AGREEMENT) from unknown
    agreement = await agreements.lock_of_pairing(session, found.pairing_id)
    assert agreement is not None, "agreements are never deleted"
    return pairing, agreement


async def sign_agreement(session: AsyncSession, agreement_id: UUID, caller: Caller, *, now: datetime) -> AgreementView:
    """Sign the newest version.

    Raises:
        NoSuchAgreement: there is none, or the caller may not know of it.
        SignedAlready: the caller signed this version.
    """
    pairing, agreement = await held_agreement(session, agreement_id, caller)
    await add_signature(session, pairing, agreement, require_member(caller, pairing), at=now)
    return await view(session, agreement)


async def amend_agreement(
    session: AsyncSession,
    agreement_id: UUID,
    terms: Terms,
    caller: Caller,
    *,
    now: datetime,
    seen: Callable[[int], None],
) -> AgreementView:
    """Put other terms in writing: a new version, which the caller signs by proposing it.

    `seen` is told the agreement's version and raises where the caller amends one that they have not seen. Until
    everybody has signed the new version, the last one that was signed stays in force.

    Raises:
        NoSuchAgreement: there is none, or the caller may not know of it.
        NothingAmended: the terms are the same.
    """
    pairing, agreement = await held_agreement(session, agreement_id, caller)
    seen(agreement.version)
    author_id = require_member(caller, pairing)
    newest = await agreements.revision(session, agreement_id, agreement.agreement_version)
    require_change(terms_of(newest.terms), terms)
    agreement.agreement_version += 1
    agreement.signatures = 0
    await session.flush()
    agreements.add_revision(session, agreement, terms=terms.as_document(), proposed_by=author_id, proposed_at=now)
    await say(
        session,
        AgreementAmended(
            agreement_id=agreement_id,
            pairing_id=pairing.pairing_id,
            program_id=pairing.program_id,
            agreement_version=agreement.agreement_version,
            amended_by=author_id,
            meeting_every_days=terms.meeting_every_days,
            meeting_minutes=terms.meeting_minutes,
            occurred_at=now,
        ),
        of=agreement,
    )
    await add_signature(session, pairing, agreement, author_id, at=now)
    return await view(session, agreement)


async def list_versions(session: AsyncSession, agreement_id: UUID, caller: Caller) -> list[Version]:
    """Every version of an agreement, the oldest first, with who signed it.

    Raises:
        NoSuchAgreement: there is none, or the caller may not know of it.
    """
    found = await agreements.find(session, agreement_id)
    if found is None:
        raise NoSuchAgreement(NO_AGREEMENT)
    try:
        await seen_pairing(session, found.pairing_id, caller)
    except NoSuchPairing as unknown:
        raise NoSuchAgreement(NO_AGREEMENT) from unknown
    signatures = await agreements.all_signatures(session, agreement_id)
    return [
        Version(
            revision=revision,
            terms=terms_of(revision.terms),
            signatures=[one for one in signatures if one.agreement_version == revision.agreement_version],
        )
        for revision in await agreements.revisions(session, agreement_id)
    ]


async def add_signature(
    session: AsyncSession, pairing: Pairing, agreement: Agreement, person_id: UUID, *, at: datetime
) -> None:
    """Put a member's signature under the newest version, and say so."""
    before = await agreements.signatures(session, agreement.agreement_id, agreement.agreement_version)
    signed = {signature.person_id for signature in before}
    require_signature_wanted(person_id, members=pairing.member_ids, signed=signed)
    agreements.add_signature(session, agreement, person_id, signed_at=at)
    agreement.signatures += 1
    await _say_signed(
        session,
        pairing,
        agreement,
        person_id,
        complete=is_complete(members=pairing.member_ids, signed={*signed, person_id}),
        at=at,
    )


async def complete_without(session: AsyncSession, pairing: Pairing, *, at: datetime) -> None:
    """Put the newest version in force where only somebody who left had not signed it; the caller holds the pairing."""
    agreement = await agreements.lock_of_pairing(session, pairing.pairing_id)
    if agreement is None or agreement.signed_version == agreement.agreement_version:
        return
    signatures = await agreements.signatures(session, agreement.agreement_id, agreement.agreement_version)
    if signatures and is_complete(members=pairing.member_ids, signed={one.person_id for one in signatures}):
        members = [one.person_id for one in signatures if one.person_id in pairing.member_ids]
        await _say_signed(session, pairing, agreement, members[-1], complete=True, at=at)


async def _say_signed(
    session: AsyncSession, pairing: Pairing, agreement: Agreement, person_id: UUID, *, complete: bool, at: datetime
) -> None:
    if complete:
        agreement.signed_version = agreement.agreement_version
        newest = await agreements.revision(session, agreement.agreement_id, agreement.agreement_version)
        await expect(session, pairing, since=at, meeting_every_days=terms_of(newest.terms).meeting_every_days)
    await say(
        session,
        AgreementSigned(
            agreement_id=agreement.agreement_id,
            pairing_id=pairing.pairing_id,
            program_id=pairing.program_id,
            person_id=person_id,
            agreement_version=agreement.agreement_version,
            complete=complete,
            occurred_at=at,
        ),
        of=agreement,
    )
