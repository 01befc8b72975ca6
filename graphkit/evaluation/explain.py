"""A protocol in words: for `graphkit eval --explain` and for the pages under docs/protocols."""

from __future__ import annotations

import textwrap

from graphkit.evaluation.protocols import Protocol, Trap

_TIES = {
    "average": "a tied positive takes the mean of its best and its worst rank",
    "strict": "only a strictly larger score beats a negative",
    "pessimistic": "a tied positive takes its worst rank",
    "optimistic": "a tied positive takes its best rank",
    "by-metric": "Hits@K counts strictly larger scores only; elsewhere a tied positive takes the mean of its best and "
    "its worst rank",
}
_FRESHNESS = {
    "batch": "scored with the state before their batch",
    "event": "each scored with the state of all events before it",
}


def rules(protocol: Protocol) -> list[tuple[str, str]]:
    """Returns what the protocol fixes, as (name, words), in the order of an experiment.

    Example:
        >>> from graphkit.evaluation import PROTOCOLS
        >>> dict(rules(PROTOCOLS["tgb-link"]))["Batches"]
        '200 positives at a time, scored with the state before their batch'
    """
    drawn = "published" if protocol.official else "drawn"
    metric = "the dataset card's" if protocol.metric == "card" else protocol.metric
    splits = f"{protocol.num_splits} splits" if protocol.num_splits > 1 else "one split"
    rows = [
        ("Task", protocol.task),
        ("Split", f"{splits}, {drawn}; {protocol.split_rule.removeprefix(drawn + ': ')}"),
        ("Negatives", protocol.negatives),
        ("Metric", metric),
        ("Ties", _TIES.get(protocol.ties, "")),
        ("Batches", ""),
        ("Selection", protocol.selection),
        ("Aggregation", protocol.aggregation),
        ("Seeds", protocol.seeds),
        ("Spread", protocol.std),
        ("Budget", "" if protocol.budget is None else f"at most {protocol.budget:,} trainable parameters"),
        ("Tuning", protocol.tuning),
        ("Schedule", protocol.schedule),
    ]
    if protocol.batch_size is not None:
        several = "one positive" if protocol.batch_size == 1 else f"{protocol.batch_size} positives"
        rows[5] = ("Batches", f"{several} at a time, {_FRESHNESS[protocol.freshness]}")
    return [(name, words) for name, words in rows if words]


def explain(protocol: Protocol, width: int = 100) -> str:
    """Returns the protocol as plain text, lines of at most `width` characters, ending in a newline.

    Example:
        >>> from graphkit.evaluation import PROTOCOLS
        >>> print(explain(PROTOCOLS["generator"], 80).splitlines()[0])
        generator (version 1): Built-in generator: the graph comes with its split
    """
    blocks = [_fill(f"{protocol.id} (version {protocol.version}): {protocol.title}", width, "  ")]
    blocks.append(_fill(protocol.description, width))
    blocks.append("\n".join(_fill(f"{name + ':':<13}{words}", width, " " * 13) for name, words in rules(protocol)))
    if protocol.traps:
        traps = "\n".join(_fill(f"* {_trap(trap)}", width, "  ") for trap in protocol.traps)
        blocks.append(f"Known traps, and what graphkit does:\n{traps}")
    blocks.append(_fill(f"Source: {protocol.source}", width, "  "))
    blocks.append(f"Hash: {protocol.hash}")
    return "\n\n".join(blocks) + "\n"


def markdown(protocol: Protocol, width: int = 120) -> str:
    """Returns the protocol's page for the documentation.

    Example:
        >>> from graphkit.evaluation import PROTOCOLS
        >>> markdown(PROTOCOLS["heart"]).splitlines()[0]
        '# heart'
    """
    lines = [f"# {protocol.id}", "", _fill(f"**{protocol.title}.** {protocol.description}", width), ""]
    for name, words in rules(protocol):
        named = f"`{words}`." if name == "Metric" and protocol.metric != "card" else _sentence(words)
        lines.append(_fill(f"* **{name}.** {named}", width, "  "))
    if protocol.traps:
        lines += ["", "## Known traps", ""]
        lines += [_fill(f"* {_trap(trap, link=True)}", width, "  ") for trap in protocol.traps]
    lines += ["", _fill(f"*Source.* {_sentence(protocol.source)}", width), ""]
    lines += [f"*Version* {protocol.version}, *hash* `{protocol.hash[:16]}`."]
    return "\n".join(lines) + "\n"


def _trap(trap: Trap, link: bool = False) -> str:
    words = trap.text
    if trap.here:
        words += f" graphkit: {trap.here}"
    if trap.issues:
        words += " (" + ", ".join(_issue(issue) if link else issue for issue in trap.issues) + ")"
    return words


def _issue(issue: str) -> str:
    repository, number = issue.split("#")
    return f"[{issue}](https://github.com/{repository}/issues/{number})"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}" + ("" if words.endswith(".") else ".")


def _fill(words: str, width: int, indent: str = "") -> str:
    return textwrap.fill(words, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
