"""The text that measurements write into the documents."""

import pytest

from measure.figures import add_rows, insert, table


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "page.rst"
    path.write_text("Above.\n\n.. begin: storm\n\nold\n\n.. end: storm\n\n.. begin: other\n.. end: other\n\nBelow.\n")
    return path


def test_a_table_is_as_wide_as_its_widest_cells():
    rows = [{"login": "exempt", "statements": 1}, {"login": "not exempt", "statements": 2}]
    assert table(rows).splitlines() == [
        "==========  ==========",
        "Login       Statements",
        "==========  ==========",
        "exempt      1",
        "not exempt  2",
        "==========  ==========",
    ]


def test_text_between_markers_can_be_replaced_again(document):
    for text in ("first \\1", "second \\1"):
        insert(document, "storm", text)
        assert document.read_text() == (
            f"Above.\n\n.. begin: storm\n\n{text}\n\n.. end: storm\n\n.. begin: other\n.. end: other\n\nBelow.\n"
        )


def test_a_document_without_the_markers_is_refused(document):
    before = document.read_text()
    with pytest.raises(ValueError, match=r"page\.rst has no place for weather"):
        insert(document, "weather", "text")
    assert document.read_text() == before


def test_rows_are_added_one_a_line_to_those_from_before(tmp_path):
    before, after = {"label": "before", "refused": 3}, {"label": "after", "refused": 0}
    assert add_rows(tmp_path / "rows.json", [before]) == [before]
    assert add_rows(tmp_path / "rows.json", [after]) == [before, after]
    assert (tmp_path / "rows.json").read_text().count("\n") == 2
