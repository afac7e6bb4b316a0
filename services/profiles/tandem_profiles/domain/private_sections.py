"""Private sections: what somebody hopes for, told to their mentors and to nobody else."""

from tandem_chassis.errors import Invalid, NotFound, Unavailable


class NoPrivateSection(NotFound):
    """There is none, or none for this caller."""

    def __init__(self) -> None:
        super().__init__("There is no private section that you may see.")


class ConsentMissing(Invalid):
    """Something private was to be stored without consent."""

    def __init__(self) -> None:
        super().__init__("Your mentors would read this. Say consent: true if you want that.")


class NotSealed(Unavailable):
    """Nothing private is stored where it could not be sealed, nor shown where its seal does not open."""

    def __init__(self) -> None:
        super().__init__(
            "No private section can be sealed or opened here: the operators must set TANDEM_PRIVATE_SECTION_KEYS to "
            "the keys that sealed them, each under the id that it had then."
        )
