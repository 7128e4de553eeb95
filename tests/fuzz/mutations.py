"""Ways to spoil what is right: bytes, lines of text, and values of a tree that was read from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

ODD_VALUES: Sequence[Any] = (
    None,
    True,
    0,
    -1,
    1 << 70,
    1.5,
    float("inf"),
    "",
    " ",
    "x" * 5_000,
    "PT1H",
    "2016-03-01T12:00:00Z",
    "\u0000",
    "\udce9",
    [],
    [[]],
    {},
    {"event": "EncounterReported"},
    {"": {"": []}},
)
"""Values that stand in the wrong place wherever they stand."""


@st.composite
def spoiled_bytes(draw: st.DrawFn, good: Sequence[bytes]) -> bytes:
    """Take good bytes; flip, cut, repeat, insert, and splice with others, a few times."""
    value = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(value)))
        match draw(st.sampled_from(["flip", "cut", "repeat", "insert", "splice", "varint"])):
            case "flip" if at < len(value):
                value[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del value[at : at + draw(st.integers(1, 40))]
            case "repeat":
                value[at:at] = value[at : at + 20] * draw(st.integers(1, 30))
            case "insert":
                value[at:at] = draw(st.binary(max_size=12))
            case "splice":
                value[at:] = draw(st.sampled_from(good))[at:]
            case "varint":  # a length or a count that promises what is not there
                value[at:at] = b"\xff" * draw(st.integers(1, 10)) + b"\x01"
            case _:
                pass
    return bytes(value)


@st.composite
def spoiled_text(draw: st.DrawFn, good: Sequence[str]) -> str:
    """Take good text; drop, double and swap lines, cut them, and put odd characters in."""
    lines = draw(st.sampled_from(good)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        line = lines[at] if lines else ""
        place = draw(st.integers(0, len(line)))
        match draw(st.sampled_from(["drop", "double", "cut", "insert", "swap"])):
            case "drop":
                del lines[at : at + 1]
            case "double":
                lines.insert(at, line)
            case "cut":
                lines[at : at + 1] = [line[:place]]
            case "insert":
                odd = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
                    ['"', "[", "}", "=", "\\", "#"]
                )
                lines[at : at + 1] = [line[:place] + draw(odd) + line[place:]]
            case _:
                lines[at : at + 1] = [draw(st.sampled_from(lines))] if lines else []
    return "\n".join(lines)


@st.composite
def spoiled_tree(draw: st.DrawFn, good: Sequence[Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Take a good tree; put odd values into it, rename and drop keys, at a few places."""
    tree = draw(st.sampled_from(good))
    for _ in range(draw(st.integers(1, 3))):
        tree = _spoil(draw, tree, 0)
    return tree


def _spoil(draw: st.DrawFn, node: Any, depth: int) -> Any:  # noqa: ANN401 - any JSON value
    if depth > 5 or not isinstance(node, dict | list) or not node or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(ODD_VALUES))
    if isinstance(node, list):
        at = draw(st.integers(0, len(node) - 1))
        return [*node[:at], _spoil(draw, node[at], depth + 1), *node[at + 1 :]]
    key = draw(st.sampled_from(sorted(node)))
    rest = {name: value for name, value in node.items() if name != key}
    match draw(st.sampled_from(["value", "value", "drop", "rename"])):
        case "drop":
            return rest
        case "rename":
            return rest | {key + draw(st.sampled_from(["", "x", " "])) + "é": node[key]}
        case _:
            return node | {key: _spoil(draw, node[key], depth + 1)}
