"""A graph's bytes: its header as JSON, then its modules (docs/bundle-format.md)."""

import json
from dataclasses import dataclass
from typing import Any

GRAPH_VERSION = 1


@dataclass(frozen=True)
class Graph:
    """All that a graph file holds."""

    header: dict[str, Any]
    # By file name, in the order of the header's `modules`.
    modules: dict[str, bytes]


def to_bytes(header: dict[str, Any], modules: dict[str, bytes]) -> bytes:
    """Eight bytes of length, the header with `graphVersion` and `modules` added, the modules."""
    ranges, begin = {}, 0
    for name, content in modules.items():
        ranges[name] = [begin, begin + len(content)]
        begin += len(content)
    whole = {
        "graphVersion": GRAPH_VERSION,
        "kind": header["kind"],
        "manifest": header["manifest"],
        "modules": ranges,
    } | header
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(modules.values())


def from_bytes(blob: bytes) -> Graph:
    """What `to_bytes` wrote."""
    start = 8 + int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:start])
    return Graph(header, {name: blob[start + begin : start + end] for name, (begin, end) in header["modules"].items()})
