"""A code in large letters, to be read from across a room and typed elsewhere: five by seven dots, two rows to a line."""

from __future__ import annotations

_ROWS, _GAP = 7, 2

# Each letter from top to bottom, one number a row, its five dots as bits. Zero is crossed, for there is an O beside it.
_DOTS = {
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (14, 17, 1, 6, 1, 17, 14),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    "A": (14, 17, 17, 31, 17, 17, 17),
    "B": (30, 17, 17, 30, 17, 17, 30),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (30, 17, 17, 17, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 14),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "J": (7, 2, 2, 2, 2, 18, 12),
    "K": (17, 18, 20, 24, 20, 18, 17),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "Q": (14, 17, 17, 17, 21, 18, 13),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14),
    "V": (17, 17, 17, 17, 17, 10, 4),
    "W": (17, 17, 17, 21, 21, 27, 17),
    "X": (17, 17, 10, 4, 10, 17, 17),
    "Y": (17, 17, 10, 4, 4, 4, 4),
    "Z": (31, 1, 2, 4, 8, 16, 31),
    "-": (0, 0, 0, 14, 0, 0, 0),
    " ": (0, 0, 0, 0, 0, 0, 0),
}
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def large_letters(text: str, columns: int) -> str | None:
    """The text in large letters; None where there is no room, or a character that has no dots here."""
    if any(letter not in _DOTS for letter in text) or len(text) * (5 + _GAP) > columns:
        return None
    rows = [[_row(letter, row) for letter in text] for row in range(_ROWS)]
    rows.append([(0,) * 5] * len(text))
    return "\n".join(
        (" " * _GAP)
        .join("".join(_HALVES[dots] for dots in zip(top, low, strict=True)) for top, low in zip(*pair, strict=True))
        .rstrip()
        for pair in zip(rows[::2], rows[1::2], strict=True)
    )


def _row(letter: str, row: int) -> tuple[int, ...]:
    return tuple(_DOTS[letter][row] >> bit & 1 for bit in (4, 3, 2, 1, 0))
