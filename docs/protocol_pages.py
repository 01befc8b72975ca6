"""Writes docs/protocols/*.md, one page a protocol, and the table in docs/protocols.md, from the protocols' files."""

from __future__ import annotations

import re
from pathlib import Path

from graphkit.evaluation.explain import markdown
from graphkit.evaluation.protocols import PROTOCOLS

FOLDER = Path(__file__).parent
_TABLE = re.compile(r"\| id \| tasks \|.*?\n(?=\n)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Returns what every page must hold."""
    found = {FOLDER / "protocols" / f"{name}.md": markdown(protocol) for name, protocol in PROTOCOLS.items()}
    front = FOLDER / "protocols.md"
    return {**found, front: _TABLE.sub(lambda _: table(), front.read_text(encoding="utf-8"), count=1)}


def table() -> str:
    """Returns the list of protocols as a Markdown table."""
    lines = ["| id | tasks | splits | metric | batch | seeds due |", "|---|---|---|---|---|---|"]
    for name, protocol in PROTOCOLS.items():
        splits = f"{protocol.num_splits} {'published' if protocol.official else 'drawn'}"
        metric = "the card's" if protocol.metric == "card" else f"`{protocol.metric}`"
        cells = [f"[`{name}`](protocols/{name}.md)", protocol.task, splits, metric, str(protocol.batch_size or "")]
        lines.append("| " + " | ".join([*cells, str(protocol.seeds_due)]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(PROTOCOLS)} protocols in {FOLDER / 'protocols'}")
