"""Refusals: what matching does not do, and what the person who asked can do about it."""

from tandem_chassis.errors import Conflict, Forbidden, Invalid, NotFound


class SettingsMalformed(Invalid):
    """A program's rules or weights break the rules of settings; `faults` names each."""


class NoSuchProgram(NotFound):
    """No program has this id, or it is not known here yet."""


class NoSuchRun(NotFound):
    """No match run has this id."""


class NoSuchPairing(NotFound):
    """No pairing has this id, or the caller is neither in it nor manages its program."""


class ProgramNotRunning(Conflict):
    """Matching waits for the program's launch."""


class PoolEmpty(Conflict):
    """One of the two sides has nobody to be paired."""


class RunNotFinished(Conflict):
    """A run can be published once it is completed."""


class RunOver(Conflict):
    """The run was published or cancelled, or it failed."""


class PoolChanged(Conflict):
    """Pairs of the run no longer hold; `faults` names each."""


class PairingOver(Conflict):
    """The pairing has ended already."""


class ReasonForManagers(Forbidden):
    """A reason for a pairing's end that only a program's manager may give."""


class PinsContradict(Invalid):
    """Pinned or forbidden pairs that cannot be had together, or at all; `faults` names each."""


class TrialOnly(Conflict):
    """A run on people or places that are assumed shows what would be; it cannot be published."""


class NoSuchRequest(NotFound):
    """No request has this id, or it is not the caller's to see."""


class RequestsNotAllowed(Conflict):
    """This program asks no mentors by name, or the mentee has asked as many as they may."""


class MentorNotAvailable(Conflict):
    """Somebody who was asked takes no mentees in this program, or may not be paired with this mentee."""


class NotAMentee(Conflict):
    """The caller takes no part as a mentee, or has all the mentors they want."""


class RequestDecided(Conflict):
    """The request was answered, withdrawn, or has expired."""


class MentorFullyBooked(Conflict):
    """All places of the mentor are taken."""


class NotTransferable(Conflict):
    """A relationship without a mentor of its own, or one that should go to a member, cannot be handed over."""


class NoSuchReferral(NotFound):
    """Nobody named the caller for a request with this id."""


class ReferralDecided(Conflict):
    """The colleague who was named answered already, or too late."""


class NoSuchOffer(NotFound):
    """No offer has this id, or it is not the caller's to see."""


class OfferDecided(Conflict):
    """The offer was answered, withdrawn, or has expired."""


class NotAMentor(Conflict):
    """The caller takes no part as a mentor, or has no free place."""


class MenteeNotAvailable(Conflict):
    """Somebody who was offered a mentor wants none in this program, or may not be paired with this one."""


class AdvisorUnheard(Conflict):
    """The program wants its advisor heard, and no answer came that could be used."""


class NoSuchProposal(Invalid):
    """A proposal was named that the run does not have; `faults` names each."""


class NobodyToAssume(Invalid):
    """Something was assumed of people of whom it cannot be; `faults` names each."""
