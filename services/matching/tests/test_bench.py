"""The bench fails where a figure is beyond what is allowed, and writes its figures in place of older ones."""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

judging = importlib.import_module("services.matching.bench.judging")
BEGIN, END, exceeded, judged = judging.BEGIN, judging.END, judging.exceeded, judging.judged
write, wrong = judging.write, judging.wrong


def test_a_size_that_takes_too_long_or_too_much_is_said_to_be_wrong() -> None:
    assert not wrong(exceeded("20,000 x 8,000", 0.8, 300))
    assert not wrong(exceeded("1,000 x 400", 99.0, 9999))
    for seconds, megabytes in ((0.81, 300), (0.8, 301)):
        assert wrong(exceeded("20,000 x 8,000", seconds, megabytes))


def test_a_figure_beyond_its_limit_is_said_to_be_wrong() -> None:
    assert [wrong(judged("reasons", value, most=2.0)) for value in (2.0, 2.1)] == [False, True]
    assert [wrong(judged("again", value, least=5.0)) for value in (5.0, 4.9)] == [False, True]
    assert wrong("flash: NOT PROVEN")
    assert wrong("http: NOT measured: FAILED: OSError")


def test_figures_are_written_in_place_of_those_of_before_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Figures\n\n{BEGIN}\n\nold ones\n\n{END}\n\nThe rest.\n")
    write(page, ["20,000 x 8,000  0.4 s   ", ""])
    told = page.read_text()
    assert "old ones" not in told
    assert "\n20,000 x 8,000  0.4 s\n```" in told
    assert told.startswith("# Figures\n\n")
    assert told.endswith(f"{END}\n\nThe rest.\n")


def test_the_page_has_the_place_for_its_figures() -> None:
    page = (Path(__file__).parents[3] / "docs" / "matching.md").read_text()
    assert page.index(BEGIN) < page.index(END)
