"""The page of settings: made from the code, complete, and not stale."""

from pathlib import Path

from tandem_local.addresses import SERVICES
from tandem_local.settings_page import fields_of_all, page, unit_of

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"


def test_the_page_is_as_the_code_would_write_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(SERVICES), "run make generate"


def test_every_setting_is_on_the_page_with_a_sentence_and_a_unit_where_it_is_a_length_or_a_size() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, field in fields_of_all(SERVICES).items():
        assert f"| `TANDEM_{name.upper()}` |" in text
        assert (field.description or "").endswith("."), f"{name} has no sentence"
        if any(word in name for word in ("seconds", "days", "hours", "bytes")):
            assert unit_of(name), f"{name}: its unit is not its last word"


def test_no_secret_has_a_default_on_the_page() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if "*secret*" in line and line[0] == "|"]
    assert len(lines) >= 4
    assert all(line.split("|")[2].strip() in ("none", "**needed**") for line in lines)
