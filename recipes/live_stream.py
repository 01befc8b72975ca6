"""A live stream: train on the past, then score and take in events as they come, stop, and go on from a file.

The stream is built in: users who follow rules (A, then B, then C; the motive of TGB-Seq, arXiv 2502.02975). CRAFT
(arXiv 2505.19408) learns them. Prints how often the best of two candidates was right, and that a restored stream agrees
to the bit with one that never stopped.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from graphkit import RunSpec, load_dataset
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.seeds import SeedStreams
from graphkit.training import Stream, build_stream_model
from graphkit.training.stream_feed import StreamFeed
from graphkit.training.streams import stream_step

SETTINGS = {
    "encoder": {"name": "craft", "options": {"hidden_channels": 32, "num_neighbors": 10}},
    "head": {"name": "identity"},
    "train": {"loss": "softmax", "negative_count": 10},
}


def main(epochs: int) -> None:
    """Trains, streams, stops and goes on."""
    dataset = load_dataset("sequential-rules")
    split, events, streams = dataset.split(), dataset.events, SeedStreams(0)
    past, coming = events[split.train], events[split.valid]
    spec = RunSpec.from_dict(SETTINGS)
    info = StreamInfo.of(past.src, past.dst, past.t, events.num_nodes, destinations=events.destination_range)
    model = build_stream_model(spec, info, streams)
    feed = StreamFeed(past, info.destinations, spec.train, 200, streams)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        model.train()
        for batch in feed.train_batches(epoch):
            loss, _ = stream_step(model, batch, spec.train.loss)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.3f}", flush=True)
    live, twin = Stream(model, late="drop"), Stream(build_stream_model(spec, info, streams))
    right = []
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(coming), 50):
            part = slice(start, start + 50)
            src, dst, t = coming.src[part], coming.dst[part], coming.t[part]
            other = np.roll(dst, 1)
            best, _ = live.rank(src, np.stack([other, dst], axis=1), t, k=1)
            right.extend((best[:, 0] == dst)[other != dst])
            live.observe(src, dst, t)
        live.snapshot(Path(folder) / "stream.safetensors")
        twin.restore(Path(folder) / "stream.safetensors")
    asked = np.arange(5), np.arange(events.num_nodes), np.full(5, live.now + 1)
    same = np.array_equal(live.score(*asked), twin.score(*asked))
    print(f"{live.counts.events} events came, {live.counts.late} late")
    print(f"the true one of two was first in {np.mean(right):.3f}")
    print(f"a restored stream gives the same bits: {same}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    main(parser.parse_args().epochs)
