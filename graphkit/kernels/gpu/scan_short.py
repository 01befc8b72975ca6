"""Selective scan in Triton, stretch by stretch: a program owns a block of channels and walks pieces of sequences.

A piece is a sequence, or a chunk of a long one whose first state is known (`scan_long`). The states [BD, BN] of a block
stay in the registers of one warp. The forward pass keeps the state before every stretch; the backward pass computes the
states of a stretch again from there and holds them in registers, so nothing of size [T, D, N] exists. The tokens of a
stretch are unrolled and read before anything is written, so that their loads overlap. A token beyond the end has a step
of zero, which changes no state.

No program adds to the results of another: gradients that are sums over channels are written a block of channels at a
time, those that are sums over tokens a program at a time, and added up afterwards in a fixed order.

Arrays: u, dt, y, grad [T, D]; a [D, N]; b, c [T, N]; skip [D]; kept [slots, D, N]; arriving [chunks, D, N]; pieces
[5, count], the fields of `plan.Pieces`. D and N are fixed when a kernel is compiled, so addresses are constants.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def forward(  # type: ignore[no-untyped-def]
    u, dt, a, b, c, skip, pieces, count, y, kept,
    D: tl.constexpr, N: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, EVERY: tl.constexpr, STRETCH: tl.constexpr,
):  # fmt: skip
    """Computes y, and fills the slots of `kept` (one for every `EVERY` tokens) that lie inside a piece."""
    d = tl.program_id(1) * BD + tl.arange(0, BD)[:, None]
    n = tl.arange(0, BN)[None, :]
    inside = (d < D) & (n < N)
    cell, area = d * N + n, D * N
    rate = tl.load(a + cell, mask=inside, other=0.0)
    share = tl.load(skip + d, mask=d < D, other=0.0)
    for piece in range(tl.program_id(0), count, tl.num_programs(0)):
        begin, end = tl.load(pieces + piece), tl.load(pieces + count + piece)
        first, base = tl.load(pieces + 2 * count + piece), tl.load(pieces + 3 * count + piece)
        start = kept + (base + (begin - first) // EVERY - 1) * area
        h = tl.load(start + cell, mask=tl.where(inside, begin, 0) > first, other=0.0)
        for low in range(begin, end, STRETCH):
            if (low - begin) % EVERY == 0 and low > begin:
                tl.store(kept + (base + (low - first) // EVERY - 1) * area + cell, h, mask=inside)
            row, at = low * D, low * N
            left = (end - low).to(tl.int32)
            wide, high = tl.where(d < D, left, 0), tl.where(n < N, left, 0)
            rows = ()
            for i in tl.static_range(STRETCH):
                value = tl.load(u + row + (i * D + d), mask=i < wide, other=0.0)
                step = tl.load(dt + row + (i * D + d), mask=i < wide, other=0.0)
                enter = tl.load(b + at + (i * N + n), mask=i < high, other=0.0)
                read = tl.load(c + at + (i * N + n), mask=i < high, other=0.0)
                h = tl.exp(step * rate) * h + (step * value) * enter
                rows = rows + (tl.sum(h * read, axis=1, keep_dims=True) + share * value,)  # type: ignore[assignment]
            for i in tl.static_range(STRETCH):
                tl.store(y + row + (i * D + d), rows[i], mask=i < wide)


@triton.jit
def backward(  # type: ignore[no-untyped-def]
    u, dt, a, b, c, skip, pieces, count, kept, arriving, grad,
    grad_u, grad_dt, grad_a, grad_b, grad_c, grad_skip, tokens,
    D: tl.constexpr, N: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, STRETCH: tl.constexpr,
):  # fmt: skip
    """Computes all gradients: `grad_b` and `grad_c` [blocks, T, N]; `grad_a` and `grad_skip` [programs, ...].

    What a state receives from later tokens is `carry`; at the end of a chunk it is the row of `arriving`.
    """
    d = tl.program_id(1) * BD + tl.arange(0, BD)[:, None]
    n = tl.arange(0, BN)[None, :]
    inside = (d < D) & (n < N)
    cell, area = d * N + n, D * N
    program, shift = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64) * tokens * N
    rate = tl.load(a + cell, mask=inside, other=0.0)
    share = tl.load(skip + d, mask=d < D, other=0.0)
    sum_a, sum_skip = tl.zeros_like(rate), tl.zeros_like(share)
    for piece in range(tl.program_id(0), count, tl.num_programs(0)):
        begin, end = tl.load(pieces + piece), tl.load(pieces + count + piece)
        first, base = tl.load(pieces + 2 * count + piece), tl.load(pieces + 3 * count + piece)
        chunk = tl.load(pieces + 4 * count + piece)
        carry = tl.load(arriving + chunk * area + cell, mask=tl.where(inside, chunk, -1) >= 0, other=0.0)
        stretches = (end - begin + STRETCH - 1) // STRETCH
        for turn in range(0, stretches):
            low = begin + (stretches - 1 - turn) * STRETCH
            start = kept + (base + (low - first) // STRETCH - 1) * area
            h = tl.load(start + cell, mask=tl.where(inside, low, 0) > first, other=0.0)
            row, at = low * D, low * N
            left = (end - low).to(tl.int32)
            wide, high = tl.where(d < D, left, 0), tl.where(n < N, left, 0)
            factors, parts, values, steps, slopes = (), (), (), (), ()
            for i in tl.static_range(STRETCH):
                value = tl.load(u + row + (i * D + d), mask=i < wide, other=0.0)
                step = tl.load(dt + row + (i * D + d), mask=i < wide, other=0.0)
                slope = tl.load(grad + row + (i * D + d), mask=i < wide, other=0.0)
                enter = tl.load(b + at + (i * N + n), mask=i < high, other=0.0)
                factor = tl.exp(step * rate)
                part = factor * h
                factors, parts = factors + (factor,), parts + (part,)  # type: ignore[assignment]
                values, steps, slopes = values + (value,), steps + (step,), slopes + (slope,)  # type: ignore[assignment]
                h = part + (step * value) * enter
            for i in tl.static_range(STRETCH - 1, -1, -1):
                value, step, slope = values[i], steps[i], slopes[i]
                enter = tl.load(b + at + (i * N + n), mask=i < high, other=0.0)
                read = tl.load(c + at + (i * N + n), mask=i < high, other=0.0)
                back = carry + read * slope
                through = back * parts[i]
                entering = tl.sum(back * enter, axis=1, keep_dims=True)
                entered = tl.sum(back * (step * value), axis=0, keep_dims=True)
                tl.store(grad_b + shift + at + (i * N + n), entered, mask=i < high)
                seen = tl.sum((parts[i] + (step * value) * enter) * slope, axis=0, keep_dims=True)
                tl.store(grad_c + shift + at + (i * N + n), seen, mask=i < high)
                tl.store(grad_u + row + (i * D + d), entering * step + share * slope, mask=i < wide)
                slowed = tl.sum(through * rate, axis=1, keep_dims=True)
                tl.store(grad_dt + row + (i * D + d), slowed + entering * value, mask=i < wide)
                sum_a += through * step
                sum_skip += slope * value
                carry = factors[i] * back
    tl.store(grad_a + program * area + cell, sum_a, mask=inside)
    tl.store(grad_skip + program * D + d, sum_skip, mask=d < D)
