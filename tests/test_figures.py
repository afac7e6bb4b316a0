"""What a bench found is judged by its bars, and written in place of what it found before."""

import argparse
from pathlib import Path

import pytest

from tests.bench.figures import Figures, finish, percentile, write_section


def test_a_missed_bar_ends_the_bench_with_a_fault() -> None:
    figures, codes = Figures("Section", quiet=True), []
    figures.add("without a bar", "1 s")
    for what, times in (("kept to", [1.0] * 99 + [49.0]), ("missed by two in a hundred", [1.0] * 98 + [50.0, 50.0])):
        figures.add_times(what, times, limit=50)
        with pytest.raises(SystemExit) as ended:
            finish(figures, argparse.Namespace(json=False, page=None))
        codes.append(ended.value.code)
    assert codes == [0, 1]
    assert "| missed by two in a hundred |" in figures.markdown()
    assert "| MISSED |" in figures.markdown()


def test_the_percentile_of_few_values_is_one_of_them() -> None:
    assert [percentile([3.0, 1.0, 2.0], share) for share in (0, 0.5, 0.99, 1)] == [1, 2, 3, 3]


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Figures\n\nWords.\n")
    write_section(page, "One", "old \\1")
    write_section(page, "Two", "kept")
    write_section(page, "One", "new")
    write_section(page, "Two", "kept")
    told = page.read_text()
    assert told.startswith("# Figures\n\nWords.\n\n## One\n\nnew\n\n")
    assert told.endswith("## Two\n\nkept\n")
    assert "old" not in told
