"""Vanished people: what a run found, without those who were erased while it was computed."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from tandem_matching.domain.advised import Found
from tandem_matching.domain.matching import Match


def people_of(found: Found) -> set[UUID]:
    """Everybody whom a run's result names."""
    named = {one.person_id for one in found.unmatched}
    if isinstance(found, Match):
        named |= {person for one in found.peer_groups for person in one.members}
        return named | {person for one in found.proposals for person in (one.mentor_id, one.mentee_id)}
    return named | {person for one in found.relationships for person, _ in one.members}


def without_vanished(found: Found, gone: Collection[UUID]) -> Found:
    """The result without everything that names one of these; its summary says how many they are."""
    if not gone:
        return found
    summary = {**found.summary, "erased_meanwhile": len(gone)}
    unmatched = tuple(one for one in found.unmatched if one.person_id not in gone)
    if isinstance(found, Match):
        proposals = tuple(one for one in found.proposals if not {one.mentor_id, one.mentee_id} & set(gone))
        groups = tuple(one for one in found.peer_groups if not set(one.members) & set(gone))
        alone = {person for one in found.peer_groups if one not in groups for person in one.members}
        # Nobody is promised a group that is proposed no more.
        unmatched = tuple(replace(one, meanwhile=None) if one.person_id in alone else one for one in unmatched)
        return replace(found, proposals=proposals, unmatched=unmatched, summary=summary, peer_groups=groups)
    related = tuple(one for one in found.relationships if not {person for person, _ in one.members} & set(gone))
    return replace(found, relationships=related, unmatched=unmatched, summary=summary)
