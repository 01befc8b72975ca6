"""Statistics of batch normalisations taken over the training examples, with the weights as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


def settle_norms(model: nn.Module, batches: Iterable[Any], step: Callable[[Any, Any], tuple[Tensor, int]]) -> None:
    """Replaces running means and variances by the means of those of all batches, each weighed by its examples.

    Running statistics are those of earlier weights. Where the graphs of a dataset differ by less than what a step of
    the optimiser moves them, as strongly regular graphs do, they hide the difference; Wu and Johnson, "Rethinking
    'Batch' in BatchNorm" (arXiv 2105.07576), section 3, call what is done here precise statistics. Dropout is off, so
    that the statistics are those of evaluation; without such normalisations nothing is computed.

    Args:
        model: changed in place, and left in evaluation mode.
        batches: that training sees.
        step: (model, batch) to the loss and the number of examples.

    Example:
        >>> model = nn.Sequential(nn.BatchNorm1d(1))
        >>> settle_norms(model, [torch.zeros(2, 1), torch.full((2, 1), 4.0)], lambda model, x: (model(x), len(x)))
        >>> model[0].running_mean.tolist()
        [2.0]
    """
    norms: list[Any] = [module for module in model.modules() if getattr(module, "running_mean", None) is not None]
    if not norms:
        return
    kept = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.train()
        norm.momentum = 1.0  # what is kept of a batch is the batch alone
    seen = 0
    with torch.no_grad():
        for batch in batches:
            before = [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]
            _, examples = step(model, batch)
            seen += examples
            for norm, (mean, var) in zip(norms, before, strict=True):
                norm.running_mean.copy_(mean.lerp(norm.running_mean, examples / seen))
                norm.running_var.copy_(var.lerp(norm.running_var, examples / seen))
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum
    model.eval()
