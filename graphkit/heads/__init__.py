"""Heads: from encoder states to raw scores, a loss, and scores an evaluator understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from torch import nn

HEADS: Registry[type[nn.Module]] = Registry("head", {"node": "graphkit.heads.node:NodeHead"}, group="graphkit.heads")

__all__ = ["HEADS"]
