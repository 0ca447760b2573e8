"""Characters in a name that nobody can see, or that look like others."""

import unicodedata
from difflib import SequenceMatcher

# Alphabets with letters that look like Latin ones.
LOOKALIKES = ("ARMENIAN ", "CHEROKEE ", "COPTIC ", "CYRILLIC ", "GREEK ", "LISU ")
# They count as letters and symbols, but show nothing: two fillers and the blank Braille pattern.
BLANK = frozenset("\u115f\u1160\u2800")


def find_odd_characters(name: str) -> list[str]:
    """
    Describe each character of ``name`` that cannot be seen or that looks like another.

    These are: control and format characters and every space but the ordinary one; characters that Unicode calls
    another form of others (NFKC); combining marks at the start or after an ASCII character; and, in a name with ASCII
    letters, the letters of an alphabet that looks like the Latin one.
    """
    if name.isascii() and name.isprintable():
        return []
    has_ascii_letters = any(char.isascii() and char.isalpha() for char in name)
    return [
        f"Character {position} is {describe(char)}."
        for position, (before, char) in enumerate(zip(f" {name}", name, strict=False), start=1)
        if not char.isprintable()
        or char in BLANK
        or unicodedata.normalize("NFKC", char) != char
        or (before.isascii() and unicodedata.category(char).startswith("M"))
        or (has_ascii_letters and unicodedata.name(char, "").startswith(LOOKALIKES))
    ]


def describe_differences(first: str, second: str) -> list[str]:
    """Describe each character in which two names differ, except printable ASCII: those everybody can tell apart."""
    steps = SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    places = [
        *((first, position) for tag, start, end, _, _ in steps if tag != "equal" for position in range(start, end)),
        *((second, position) for tag, _, _, start, end in steps if tag != "equal" for position in range(start, end)),
    ]
    return [
        f"Character {position + 1} of {name!r} is {describe(name[position])}."
        for name, position in places
        if not (name[position].isascii() and name[position].isprintable())
    ]


def describe(char: str) -> str:
    """Return the code point of ``char`` and its name. Control characters have no name."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()
