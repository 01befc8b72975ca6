"""The `graphkit` command."""


def main() -> int:
    """Placeholder entry point until the verbs stand."""
    return 0
