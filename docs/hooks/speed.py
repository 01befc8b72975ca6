"""Adds the page of speed: every committed result of `benchmarks/`, with its bars, hardware and versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
_FRONT = """# Speed

Every claim about speed is a ratio of sides timed in alternation in one run; absolute times depend on the machine,
ratios less. `python -m benchmarks NAME` measures again, `--save` keeps the result, and this page shows what was kept.
In bold: a bar that the measurement missed.

"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds `speed.md`."""
    files.append(File.generated(config, "speed.md", content=page()))
    return files


def page() -> str:
    """Returns the page as Markdown."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(_RESULTS.glob("*.json"))]
    return _FRONT + "\n".join(_section(record) for record in records)


def _section(record: dict[str, Any]) -> str:
    lines = [f"## {record['benchmark']}", "", record["title"], "", "| case | graphkit | beside it | | ratio | asked |"]
    lines.append("| --- | ---: | --- | ---: | ---: | ---: |")
    for row in record["rows"]:
        lines += _lines(row)
    machine = record["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return "\n".join([*lines, "", f"*{machine['cpu']}; threads: {machine['threads']}; {versions}.*", ""])


def _lines(row: dict[str, Any]) -> list[str]:
    values, bars, more = dict(row["values"]), row.get("bars", {}), row.get("more", False)
    ours = values.pop("graphkit", None)
    own = "" if ours is None else _number(ours, row["unit"])
    bound = f"{'at least' if more else 'at most'} {_number(bars[''], row['unit'])}" if "" in bars else ""
    if ours is not None and "" in bars and (ours < bars[""] if more else ours > bars[""]):
        bound = f"**{bound}**"
    case, found = row["case"], []
    for peer, value in values.items() or [("", None)]:
        ratio, asked = row.get("ratios", {}).get(peer), bars.get(peer) if peer else None
        shown = "" if asked is None else f"{asked:.3g}"
        if ratio is not None and asked is not None and ratio < asked:
            shown = f"**{shown}**"
        cells = [case, own, peer, "" if value is None else _number(value, row["unit"])]
        cells += ["" if ratio is None else f"{ratio:.3g}", " ".join(filter(None, (shown, bound)))]
        found.append("| " + " | ".join(cells) + " |")
        case, own, bound = "", "", ""
    return found


def _number(value: float, unit: str) -> str:
    if unit == "s" and value < 0.1:
        value, unit = 1e3 * value, "ms"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
