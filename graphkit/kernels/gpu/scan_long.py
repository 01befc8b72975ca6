"""Long sequences in Triton: chunks in parallel, a walk over their summaries, then every chunk again (`scan_short`).

With h the state before a chunk and h' the state after it, h' = exp(A * sum of steps) * h + e, e being where the chunk
ends from zero. The first pass computes e and the sum, the second walks over the chunks of each sequence. The backward
pass is of the same form from the end: what a chunk sends to the one before it is exp(A * sum of steps) times what it
receives, plus what it sends by itself. Decays are exponentials of sums that are not positive, never ratios.

Arrays: as in `scan_short`; ends, arriving [chunks, D, N]; spans [chunks, D]; chunks [5, count], the fields of
`plan.Pieces`; chunk_ptr [sequences + 1].
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def summarise(  # type: ignore[no-untyped-def]
    value, dt, a, weight, chunks, count, ends, spans,
    D: tl.constexpr, N: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, STRETCH: tl.constexpr, BACK: tl.constexpr,
):  # fmt: skip
    """Fills `ends` and `spans` from u and b; `BACK`: `ends` with what chunks send back, from the gradient and c."""
    d = tl.program_id(1) * BD + tl.arange(0, BD)[:, None]
    n = tl.arange(0, BN)[None, :]
    inside = (d < D) & (n < N)
    cell, area = d * N + n, D * N
    rate = tl.load(a + cell, mask=inside, other=0.0)
    for chunk in range(tl.program_id(0), count, tl.num_programs(0)):
        begin, end = tl.load(chunks + chunk), tl.load(chunks + count + chunk)
        wide, high = tl.where(d < D, end - begin, 0), tl.where(n < N, end - begin, 0)
        state, span = tl.zeros_like(rate), tl.sum(tl.zeros_like(rate), axis=1, keep_dims=True)
        for turn in range(0, end - begin, STRETCH):
            for i in tl.static_range(STRETCH):
                t = end - 1 - (turn + i) if BACK else begin + (turn + i)
                given = tl.load(value + t * D + d, mask=turn + i < wide, other=0.0)
                step = tl.load(dt + t * D + d, mask=turn + i < wide, other=0.0)
                share = tl.load(weight + t * N + n, mask=turn + i < high, other=0.0)
                if BACK:
                    state = tl.exp(step * rate) * (state + given * share)
                else:
                    state = tl.exp(step * rate) * state + (step * given) * share
                span += step
        row = tl.cast(chunk, tl.int64)
        tl.store(ends + row * area + cell, state, mask=inside)
        if not BACK:
            tl.store(spans + row * D + d, span, mask=d < D)


@triton.jit
def carry(  # type: ignore[no-untyped-def]
    a, chunks, count, chunk_ptr, ends, spans, out,
    D: tl.constexpr, N: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, EVERY: tl.constexpr, BACK: tl.constexpr,
):  # fmt: skip
    """Walks over the chunks of a sequence; `out` is `kept`, a slot for every `EVERY` tokens; `BACK`: `arriving`."""
    d = tl.program_id(1) * BD + tl.arange(0, BD)[:, None]
    n = tl.arange(0, BN)[None, :]
    inside = (d < D) & (n < N)
    cell, area = d * N + n, D * N
    rate = tl.load(a + cell, mask=inside, other=0.0)
    start, stop = tl.load(chunk_ptr + tl.program_id(0)), tl.load(chunk_ptr + tl.program_id(0) + 1)
    state = tl.zeros_like(rate)
    for turn in range(0, stop - start):
        chunk = stop - 1 - turn if BACK else start + turn
        begin, first = tl.load(chunks + chunk), tl.load(chunks + 2 * count + chunk)
        slot = chunk if BACK else tl.load(chunks + 3 * count + chunk) + (begin - first) // EVERY - 1
        tl.store(out + slot * area + cell, state, mask=inside if BACK else tl.where(inside, begin, 0) > first)
        span = tl.load(spans + chunk * D + d, mask=d < D, other=0.0)
        state = tl.exp(span * rate) * state + tl.load(ends + chunk * area + cell, mask=inside, other=0.0)
