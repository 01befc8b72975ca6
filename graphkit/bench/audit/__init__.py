"""`graphkit audit`: every guard that applies to a model, asked on a dataset, with one verdict."""

from __future__ import annotations

from graphkit.bench.audit.checks import Check
from graphkit.bench.audit.run import Audit, audit

__all__ = ["Audit", "Check", "audit"]
