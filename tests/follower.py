"""A program followed from outside: `python follower.py asyncapi.json host:port report.json`, until it is terminated.

Everything it knows of the platform is the AsyncAPI document: which topics there are, which messages are on them, what
their headers and values look like. It shares no code with the platform; it needs confluent-kafka, the CloudEvents SDK
and jsonschema. The report is written anew after each batch: what became of each pairing of each program, and every
message that is not as the document says.
"""

import json
import signal
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import Consumer
from jsonschema import Draft202012Validator, FormatChecker


@dataclass(frozen=True)
class Heard:
    """A message as it came."""

    topic: str
    key: bytes
    headers: dict[str, bytes]
    value: bytes | None

    @classmethod
    def of(cls, message: Any) -> "Heard":
        """What confluent-kafka gives."""
        return cls(message.topic(), message.key(), dict(message.headers() or []), message.value())

    @property
    def said(self) -> dict[str, Any]:
        """The value; nothing of what is gone."""
        said: dict[str, Any] = json.loads(self.value) if self.value is not None else {}
        return said


class Document:
    """What an AsyncAPI 3 document says of topics and messages."""

    def __init__(self, path: Path) -> None:
        self._all = json.loads(path.read_text())
        self.topics = {channel["address"]: list(channel["messages"]) for channel in self._all["channels"].values()}
        self._validators: dict[str, Draft202012Validator] = {}

    def faults(self, heard: Heard) -> list[str]:
        """What is not as the document says; nothing where all is well."""
        headers = {name: value.decode() for name, value in heard.headers.items()}
        kind = headers.get("ce_type", "")
        if kind not in self.topics.get(heard.topic, []):
            return [f"{kind} is not a message of {heard.topic}"]
        described = self._all["components"]["messages"][kind]
        faults = []
        for trait in described["traits"]:
            faults += self._against(trait["$ref"] + "/headers", headers)
        if heard.value is not None:
            faults += self._against(described["payload"]["$ref"], heard.said)
        if headers.get("ce_partitionkey") != heard.key.decode():
            faults.append("its key is not the event's partition key")
        return [f"{kind}: {fault}" for fault in faults]

    def _against(self, place: str, value: Any) -> list[str]:
        if place not in self._validators:
            self._validators[place] = Draft202012Validator(
                {"$ref": place, "components": self._all["components"]}, format_checker=FormatChecker()
            )
        return [error.message for error in self._validators[place].iter_errors(value)]


class Story:
    """What happened to one pairing, as far as the events tell."""

    def __init__(self) -> None:
        self.members: dict[str, str] = {}
        self.signed_by: set[str] = set()
        self.agreed = False
        self.sessions: dict[str, str] = {}
        self.asked: set[str] = set()
        self.answered: set[str] = set()
        self.ended: str | None = None

    def hear(self, kind: str, said: dict[str, Any]) -> None:
        """Take one event in; what does not concern the story is passed over."""
        match kind.removeprefix("tandem.").rsplit(".", 1)[0]:
            case "pairing.created":
                self.members = {member["person_id"]: member["role"] for member in said["members"]}
            case "agreement.signed":
                self.signed_by.add(said["person_id"])
                self.agreed = self.agreed or said["complete"]
            case "session.scheduled" | "session.completed" | "session.missed" | "session.cancelled" as what:
                self.sessions[said["session_id"]] = what.removeprefix("session.")
            case "feedback.requested":
                self.asked.add(said["author_id"])
            case "feedback.submitted":
                self.answered.add(said["author_id"])
            case "pairing.ended":
                self.ended = said["reason"]

    def report(self) -> dict[str, Any]:
        """The story as JSON takes it."""
        return {name: sorted(value) if isinstance(value, set) else value for name, value in vars(self).items()}


def main(document: Document, bootstrap_servers: str, report: Path) -> None:
    """Follow until SIGTERM."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": "a-follower", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(list(document.topics))
    programs: dict[str, dict[str, Story]] = defaultdict(lambda: defaultdict(Story))
    seen: set[str] = set()
    faults: list[str] = []
    while not stopping:
        messages = consumer.consume(200, timeout=0.2)
        for message in messages:
            if message.error():
                faults.append(str(message.error()))
                continue
            heard = Heard.of(message)
            faults += document.faults(heard)
            event = from_binary(
                KafkaMessage(headers=heard.headers, key=heard.key, value=heard.value or b"null"), JSONFormat()
            )
            if event.get_id() in seen:  # what was delivered twice happened once
                continue
            seen.add(event.get_id())
            if {"program_id", "pairing_id"} <= heard.said.keys():
                story = programs[heard.said["program_id"]][heard.said["pairing_id"]]
                story.hear(event.get_type(), heard.said)
        if messages:
            told = {
                program: {pairing: story.report() for pairing, story in stories.items()}
                for program, stories in programs.items()
            }
            written = report.with_suffix(".new")
            written.write_text(json.dumps({"programs": told, "messages": len(seen), "faults": faults}))
            written.rename(report)
    consumer.close()


if __name__ == "__main__":
    main(Document(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
