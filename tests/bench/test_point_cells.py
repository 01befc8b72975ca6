"""Every encoder of points on every dataset of points, from the command line, on a sliver of training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphkit.cli.main import main
from graphkit.data import load_dataset
from graphkit.errors import GraphkitError

pytestmark = pytest.mark.usefixtures("shared_workers")

MODELS = ("egnn", "painn", "tensornet", "escn", "mfn", "schnet")
TINY = [
    "--set",
    "train.epochs=1",
    "--set",
    "encoder.options.num_layers=1",
    "--set",
    "encoder.options.hidden_channels=8",
]
SMALL = [*TINY, "--set", "data.options={train=12, valid=4, test=4}"]


def cell(folder: Path, dataset: str, models: str, *more: str) -> list[dict[str, object]]:
    done = main(["bench", "run", "-d", dataset, "-m", models, "-n", "1", "-o", str(folder), *more])
    assert done in (0, None)
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("result.json"))]


@pytest.mark.parametrize("dataset", ["point-charges", "point-charges-energy"])
def test_dipoles_and_energies(dataset: str, tmp_path: Path) -> None:
    (found,) = cell(tmp_path, dataset, "painn", *SMALL)
    assert found["metric"] == "mae" and float(str(found["test"])) > 0


def test_one_table_of_moving_particles(tmp_path: Path) -> None:
    models = "straight-line,point-gnn,radial-field,egnn"
    small = ["--set", "data.options={train=10, valid=4, test=4, train_drawn=10}", "--set", "data.batch_size=5"]
    found = cell(tmp_path, "nbody", models, *small, "--set", "train.epochs=1")
    assert sorted(str(record["model"]) for record in found) == sorted(models.split(","))


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["ethanol", "3bpa", "gnl-cumulene", "point-charges", "point-charges-energy"])
def test_every_model_runs(dataset: str, tmp_path: Path) -> None:
    try:
        load_dataset(dataset)
    except GraphkitError as error:
        pytest.skip(str(error))
    found = cell(tmp_path, dataset, ",".join(MODELS), *TINY, "--set", "data.batch_size=100")
    assert sorted(str(record["model"]) for record in found) == sorted(MODELS)
