"""What every event has in common: its name, its topic, its key, and the words its fields may use."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Service = Literal["profiles", "matching", "scheduling", "feedback"]

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,63}$")]
"""A word out of a list that somebody keeps: a reason code, a time zone, a language tag. Never free text."""

Term = Annotated[str, StringConstraints(pattern=r"^[^\r\n]{1,200}$")]
"""A term of a vocabulary, such as a skill. Never what somebody wrote about somebody."""

Places = Annotated[int, Field(ge=0, le=1000)]

PERSONAL: dict[str, Any] = {"x-classification": "personal"}
"""Marks a field that tells something about a person beyond an id. Only `tandem.people` may carry such fields."""

CONFIDENTIAL: dict[str, Any] = {"x-classification": "confidential"}
"""Marks personal data that is used (for matching, say) and never shown to anyone else."""


@dataclass(frozen=True, slots=True)
class Contract:
    """Where a kind of event belongs: who sends it, on which topic, under which key."""

    name: str
    version: int
    sender: str
    topic: str
    subject: str
    key: str
    compacted: bool

    @property
    def type(self) -> str:
        """The CloudEvents type, such as `tandem.pairing.created.v1`."""
        return f"tandem.{self.name}.v{self.version}"

    @property
    def schema_name(self) -> str:
        """The file name of the frozen schema, such as `pairing.created.v1.json`."""
        return f"{self.name}.v{self.version}.json"


class Event(BaseModel):
    """Something that one service tells all others."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")

    contract: ClassVar[Contract]

    occurred_at: AwareDatetime = Field(description="When it became true, in UTC.")

    def subject_id(self) -> UUID:
        """The id of the aggregate that this event is about."""
        value: UUID = getattr(self, self.contract.subject)
        return value

    def partition_key(self) -> str:
        """The Kafka key: everything under one key is read in the order in which it happened."""
        return str(getattr(self, self.contract.key))


class Fact(Event):
    """A fact in the past tense, kept on its sender's topic `tandem.<sender>`. It carries ids, never personal data."""

    def __init_subclass__(
        cls, *, name: str, sender: Service, subject: str, key: str | None = None, version: int = 1, **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        cls.contract = Contract(
            name=name,
            version=version,
            sender=sender,
            topic=f"tandem.{sender}",
            subject=subject,
            key=key or subject,
            compacted=False,
        )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """The options above are the contract's; Pydantic has no use for them."""


class State(Event):
    """The whole current state of one thing, on a compacted topic of its own; a null value means that it is gone."""

    def __init_subclass__(
        cls, *, name: str, sender: Service, topic: str, subject: str, version: int = 1, **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        cls.contract = Contract(
            name=name, version=version, sender=sender, topic=topic, subject=subject, key=subject, compacted=True
        )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """The options above are the contract's; Pydantic has no use for them."""


class Member(BaseModel):
    """Somebody in a relationship, and as what."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    person_id: UUID
    role: Literal["mentor", "mentee", "peer", "facilitator"]
