"""`python -m graphkit` is the same command as `graphkit`."""

from graphkit.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
