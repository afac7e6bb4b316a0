"""A reader that knows the AsyncAPI document and nothing else follows a program to its end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests import follower
from tests.platform import RunningPlatform
from tests.thread import Thread

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]

DOCUMENT = Path(__file__).parent.parent / "docs" / "events" / "asyncapi.json"


@contextmanager
def following(bootstrap_servers: str, report: Path) -> Iterator[None]:
    """The follower as a process of its own, without the platform's packages on its path."""
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(follower.__file__)), str(DOCUMENT), bootstrap_servers, str(report)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
        assert process.poll() is None, process.stderr and process.stderr.read()
    finally:
        process.terminate()
        process.communicate(timeout=30)


async def test_a_reader_that_knows_the_document_alone_follows_a_program_to_its_end(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"

    async def told() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {"programs": {}, "faults": []}
        return found

    with following(platform.bootstrap_servers, report):
        async with Thread(platform) as thread:
            await thread.create_program("Followed from outside")
            people = {"mentor": mentor_sheet(8, 501).encode(), "mentee": mentee_sheet(8, 502).encode()}
            await thread.import_sheets(people)
            await thread.until_the_pool_is_complete()
            run = await thread.match()
            await thread.publish(run["run_id"])
            await thread.run_to_the_end()
            for pair in thread.pairs:
                await thread.call(
                    "manager", "POST", "matching", f"/pairings/{pair.pairing_id}/end", json={"reason": "completed"}
                )
            expected = {
                pair.pairing_id: {
                    "members": {pair.mentor_id: "mentor", pair.mentee_id: "mentee"},
                    "signed_by": sorted({pair.mentor_id, pair.mentee_id}),
                    "agreed": True,
                    "sessions": {pair.session_id: "cancelled" if pair.place_in_line else "completed"},
                    "asked": [] if pair.place_in_line else sorted({pair.mentor_id, pair.mentee_id}),
                    "answered": [] if pair.place_in_line else sorted({pair.mentor_id, pair.mentee_id}),
                    "ended": "completed",
                }
                for pair in thread.pairs
            }
            assert len(expected) > 3
            seen = await thread.until(told, lambda found: found["programs"].get(thread.program_id) == expected)
    assert seen["faults"] == []


def test_a_message_that_is_not_as_the_document_says_is_noticed() -> None:
    document = follower.Document(DOCUMENT)

    described = json.loads(DOCUMENT.read_text())["components"]["messages"]["tandem.pairing.created.v1"]["examples"][0]

    def sent(*, topic: str = "tandem.matching", headers: Any = (), value: Any = ()) -> follower.Heard:
        return follower.Heard(
            topic,
            described["payload"]["pairing_id"].encode(),
            {name: text.encode() for name, text in {**described["headers"], **dict(headers)}.items()},
            json.dumps({**described["payload"], **dict(value)}).encode(),
        )

    assert document.faults(sent()) == []
    assert document.faults(sent(topic="tandem.feedback"))
    assert document.faults(sent(value={"members": []}))
    assert document.faults(sent(headers={"ce_aggregateversion": "one"}))
    assert document.faults(sent(headers={"ce_partitionkey": "another"}))
