"""Sequence mixers: no token sees another sequence, both directions are one another's mirror, sizes are the
published."""

from __future__ import annotations

import pytest
import torch

from graphkit.encoders.mixers import Bidirectional, Mamba2Mixer, MambaMixer, SequenceMixer, make_mixer
from graphkit.encoders.mixers.attention import length_groups
from graphkit.errors import ConfigError, ShapeError, UnknownNameError
from graphkit.kernels import scan_reference
from graphkit.kernels.sequences import Sequences

LENGTHS = [3, 1, 0, 7, 12]
KINDS = ["mamba", "mamba2", "gru", "attention"]
every = pytest.mark.parametrize(("kind", "both"), [(kind, both) for kind in KINDS for both in (False, True)])


def build(kind: str, both: bool = False, channels: int = 8) -> SequenceMixer:
    torch.manual_seed(0)
    mixer = make_mixer(kind, channels, heads=2, states=4, bidirectional=both)  # type: ignore[arg-type]
    assert isinstance(mixer, SequenceMixer)
    return mixer.double()


def packed(lengths: list[int], channels: int = 8) -> tuple[torch.Tensor, Sequences]:
    generator = torch.Generator().manual_seed(1)
    sequences = Sequences(torch.tensor([0, *lengths]).cumsum(0))
    return torch.randn(sum(lengths), channels, generator=generator, dtype=torch.double), sequences


@every
def test_sequences_do_not_touch(kind: str, both: bool) -> None:
    mixer, (x, sequences) = build(kind, both), packed(LENGTHS)
    together = mixer(x, sequences)
    for low, high in zip(sequences.ptr.tolist(), sequences.ptr.tolist()[1:], strict=False):
        alone = mixer(x[low:high], Sequences(torch.tensor([0, high - low])))
        torch.testing.assert_close(alone, together[low:high])


@every
def test_gradients_reach_every_parameter_and_are_right(kind: str, both: bool) -> None:
    mixer, (x, sequences) = build(kind, both, channels=4), packed([2, 3], channels=4)
    mixer(x, sequences).square().sum().backward()
    for name, parameter in mixer.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert torch.autograd.gradcheck(lambda tokens: mixer(tokens, sequences), (x.requires_grad_(),))


@pytest.mark.parametrize("kind", ["mamba", "mamba2", "gru"])
def test_one_direction_looks_back_only_and_two_look_everywhere(kind: str) -> None:
    x, sequences = packed([6])
    changed = x.clone()
    changed[-1] += 1
    for both in (False, True):
        mixer = build(kind, both)
        same = torch.isclose(mixer(x, sequences), mixer(changed, sequences)).all(1)
        assert not same[-1] and bool(same[:-1].all()) == (not both)


def test_the_backward_branch_is_a_forward_pass_on_the_reversed_sequence() -> None:
    mixer, (x, sequences) = build("mamba", both=True), packed(LENGTHS)
    assert isinstance(mixer, Bidirectional)
    flipped = torch.cat([part.flip(0) for part in x.split(LENGTHS)])
    back = torch.cat([part.flip(0) for part in mixer.back(flipped, sequences).split(LENGTHS)])
    torch.testing.assert_close(mixer(x, sequences), mixer.ahead(x, sequences) + back)


def test_attention_forgets_the_order() -> None:
    mixer, (x, sequences) = build("attention"), packed([9])
    order = torch.randperm(9, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(mixer(x[order], sequences), mixer(x, sequences)[order])
    groups = length_groups(packed([5, 0, 8, 1, 6])[1])
    assert [group.tolist() for group in groups] == [[3], [0, 2, 4]]


@pytest.mark.parametrize(("channels", "parameters"), [(96, 34_080), (64, 16_320), (52, 11_388), (48, 9_840)])
def test_blocks_have_the_published_sizes(channels: int, parameters: int) -> None:
    assert sum(parameter.numel() for parameter in MambaMixer(channels).parameters()) == parameters


def test_mamba_is_its_formula() -> None:
    mixer, (x, sequences) = build("mamba"), packed(LENGTHS)
    assert isinstance(mixer, MambaMixer)
    value, gate = mixer.into(x).chunk(2, dim=1)
    value = scan_reference.causal_convolution(value, mixer.taps, mixer.taps_bias, sequences)
    value = value * value.sigmoid()
    low, b, c = mixer.select(value).split(mixer.sizes, dim=1)
    dt = torch.log1p(mixer.step(low).exp())
    y = scan_reference.selective_scan(value, dt, -mixer.log_a.exp(), b, c, mixer.skip, sequences)
    torch.testing.assert_close(mixer(x, sequences), mixer.out(y * gate * gate.sigmoid()))


def test_fresh_steps_lie_in_the_published_range() -> None:
    steps = torch.nn.functional.softplus(MambaMixer(64).step.bias.detach())
    assert float(steps.min()) > 9e-4 and float(steps.max()) < 0.101


def test_misfits_are_refused() -> None:
    with pytest.raises(ShapeError, match="MambaMixer"):
        build("mamba")(torch.ones(2, 3, dtype=torch.double), Sequences(torch.tensor([0, 2])))
    with pytest.raises(ConfigError, match="heads"):
        Mamba2Mixer(6, heads=4)
    with pytest.raises(UnknownNameError, match="mamba"):
        build("mambo")
