"""TensorNet and PaiNN learn energies and forces of ethanol from 950 configurations, with 50 to select the epoch.

Simeon and De Fabritiis, TensorNet, NeurIPS 2023 (arXiv 2306.06482); Schütt et al., ICML 2021 (arXiv 2102.03150). The
published rMD17 numbers used other energies; here PBE/def2-SVP of the BOTNet files. Prints the learning curve.
"""

import argparse

from graphkit import RunSpec, load_dataset, run_cell

DATASET = "ethanol"
ENCODERS = {
    "tensornet": {"hidden_channels": 64, "num_layers": 2, "cutoff": 4.5},
    "painn": {"hidden_channels": 64, "num_layers": 3, "cutoff": 5.0},
}


def run(model: str, epochs: int, device: str) -> None:
    """Trains one model and prints its errors in meV and meV/A."""

    def show(event: dict) -> None:
        if "valid" in event and event["event"] == "epoch":
            print(f"  epoch {event['epoch'] + 1:4d}: validation forces {1000 * event['valid']:.1f} meV/A", flush=True)

    spec = RunSpec().merged(
        {
            "data": {"name": DATASET, "batch_size": 8},
            "encoder": {"name": model, "options": ENCODERS[model]},
            "head": {"name": "energy", "options": {"energy_weight": 1.0, "forces_weight": 10.0}},
            "train": {
                "epochs": epochs,
                "lr": 1e-3,
                "schedule": "cosine",
                "warmup_epochs": 1,
                "clip_norm": 40.0,
                "eval_every": 5,
                "device": device,
            },
        }
    )
    found = run_cell(spec, on_event=show).evaluation
    print(f"{model}: test forces {1000 * found['forces_mae']:.1f} meV/A, energies {1000 * found['energy_mae']:.1f} meV")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--models", nargs="+", choices=ENCODERS, default=["tensornet", "painn"])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    print(load_dataset(DATASET).split())
    for model in arguments.models:
        run(model, arguments.epochs, arguments.device)
