from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from graphkit.bench.matrix import encoder_options, parse_seeds, plan, scorer_options
from graphkit.bench.models import FOLDER, list_models, load_model, parse_model
from graphkit.bench.suites import list_suites, load_suite
from graphkit.config import read_toml
from graphkit.data.cards import Card, list_cards, load_card
from graphkit.data.tasks import card_under, kind_of
from graphkit.encoders import ENCODERS
from graphkit.encoders.families import family_of
from graphkit.errors import ConfigError, ProtocolError, UnknownNameError
from graphkit.heads import GRAPH_HEADS, PAIR_HEADS, POINT_HEADS
from graphkit.scorers import SCORERS, scorer_kind

CARDS = sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("model", CARDS)
def test_every_model_card_fits_every_dataset_and_protocol_of_its_kind(model: str) -> None:
    default = load_model(model).default
    family = family_of(default.get("encoder", {}).get("name", ""))
    kinds = {scorer_kind(model)} if model in SCORERS else {"node", "link"}
    if family != "nodes":
        kinds = {"system"} if family == "points" else {"temporal-link"}
    elif default.get("head", {}).get("name", "") in PAIR_HEADS:
        kinds = {"link"}
    elif default.get("head", {}).get("name", "") in GRAPH_HEADS:
        kinds = {"graph"}
    if family == "nodes" and not default.get("embedding") and not default.get("scorer"):
        kinds |= {"graph-link"}
    for dataset in list_cards():
        card = load_card(dataset)
        if kinds == {"system"} and not suits(model, card):
            continue
        for protocol in [one for one in card.protocols if kind_of(card_under(card, one)).name in kinds]:
            (job,) = plan([dataset], [model], [0], protocol=protocol)
            assert job.spec.protocol == protocol and job.spec.data.name == dataset


def test_links_between_nodes_without_features_have_learned_rows() -> None:
    for model in ("ncn", "gat", "gcn-dot"):
        (job,) = plan(["usair"], [model], [0])
        assert job.spec.data.inputs == "embedding" and job.spec.data.input_channels > 0
    assert plan(["cora"], ["ncn"], [0], protocol="heart")[0].spec.data.inputs == "features"


def suits(model: str, card: Card) -> bool:
    """Whether a model of points says how it does a task: its card gives a head that is for it."""
    if kind_of(card).name != "system":
        return False
    head = load_model(model).spec(card, card.protocols[0]).head.name
    return card.task in POINT_HEADS.get(head).tasks


@pytest.mark.parametrize("name", list_suites())
def test_every_suite_resolves(name: str) -> None:
    assert load_suite(name).jobs()


@pytest.mark.parametrize("name", [name for name in ENCODERS.names() if not name.startswith("test-")])
def test_options_read_from_source_are_those_of_the_constructor(name: str) -> None:
    parameters = inspect.signature(ENCODERS.get(name)).parameters
    assert encoder_options(name) == [option for option in parameters if option not in ("in_channels", "out_channels")]


@pytest.mark.parametrize("name", SCORERS.names())
def test_options_and_kind_of_scorers_are_those_of_their_classes(name: str) -> None:
    assert scorer_options(name) == list(inspect.signature(SCORERS.get(name)).parameters)
    assert scorer_kind(name) == SCORERS.get(name).kind


@pytest.mark.parametrize(
    ("dataset", "model", "message"),
    [
        ("tgbl-wiki", "gat", "temporal-link-prediction task, and model 'gat' is for node-classification.*edgebank"),
        ("tgbl-wiki", "cn", "model 'cn' is for link-prediction; it takes base3, dst-popularity, dst-recency, edgebank"),
        ("cora", "edgebank", "model 'edgebank' is for temporal-link-prediction; it takes any encoder"),
        ("ogbl-ddi", "pair-recency", "it takes aa, cn, jaccard, katz, katz-truncated, pa, ppr, ra"),
    ],
)
def test_a_model_of_another_kind_is_one_clear_line(dataset: str, model: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        plan([dataset], [model], [0])
    assert "\n" not in str(caught.value)


def test_scorers_take_their_own_options() -> None:
    (job,) = plan(["tgbl-wiki"], ["edgebank-tw"], [0], overrides=["scorer.options.window=0.3"])
    assert job.spec.scorer.options == {"window": 0.3}
    with pytest.raises(UnknownNameError, match=r"scorer\.options\.window"):
        plan(["tgbl-wiki"], ["edgebank-tw"], [0], overrides=["scorer.options.windows=0.3"])
    with pytest.raises(ConfigError, match="names the scorer cn and the encoder gat"):
        plan(["ogbl-ddi"], ["cn"], [0], overrides=["encoder.name=gat"])


def test_published_settings_are_chosen_by_dataset_and_protocol() -> None:
    cora, pubmed = (load_model("gat").spec(load_card(name), "planetoid-public") for name in ("cora", "pubmed"))
    assert (cora.train.lr, cora.data.features, cora.train.select) == (5e-3, "row", "valid-metric-or-loss")
    assert (pubmed.train.lr, pubmed.encoder.options["output_heads"]) == (1e-2, 8)


def test_an_encoder_without_a_card_gets_plain_settings() -> None:
    (job,) = plan(["karate"], ["residual"], [0])
    assert job.spec.encoder.name == "residual" and job.spec.train.stop == "patience"


def test_settings_and_overrides_are_laid_over_the_card_in_order() -> None:
    (job,) = plan(["cora"], ["gat"], [0], settings={"train": {"lr": 0.1, "epochs": 7}}, overrides=["train.lr=0.2"])
    assert (job.spec.train.lr, job.spec.train.epochs) == (0.2, 7)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"datasets": ["corra"]}, UnknownNameError, "cora"),
        ({"models": ["gatt"]}, UnknownNameError, "gat"),
        ({"protocol": "planetoid"}, ProtocolError, "planetoid-public"),
        ({"overrides": ["train.lrr=1"]}, UnknownNameError, "train.lr"),
        ({"overrides": ["encoder.options.heds=1"]}, UnknownNameError, "heads"),
        ({"overrides": ["encoder.name=gta"]}, UnknownNameError, "gat"),
        ({"overrides": ["data.name=karate"]}, ConfigError, "-d"),
        ({"seeds": [1, 1]}, ConfigError, "different"),
        ({"seeds": [-1]}, ConfigError, "negative"),
        ({"seeds": []}, ConfigError, "at least one"),
    ],
)
def test_every_mistake_is_found_before_anything_runs(arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plan(**({"datasets": ["cora"], "models": ["gat"], "seeds": [0]} | arguments))


def test_seed_lists() -> None:
    assert parse_seeds("2") == (0, 1) and parse_seeds("5,1") == (5, 1)
    for text in ("x", "1,x", ""):
        with pytest.raises(ConfigError, match="seeds"):
            parse_seeds(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "t"\npaper = "p"\n[default]\nencoder = { name = "gat" }\nextra = 1', "extra"),
        ('title = "t"\npaper = "p"\n[default]\ntrain = { lr = 1 }', "scorer.name"),
        ('paper = "p"\n[default]\nencoder = { name = "gat" }', "title"),
        ('title = "t"\npaper = "p"\n[default]\nencoder = { name = "gat" }\n[[override]]\ntrain = { lr = 1 }', "when"),
        (
            'title = "t"\npaper = "p"\n[default]\nencoder = { name = "gat" }\n[[override]]\nwhen = { datset = ["a"] }',
            "dataset",
        ),
    ],
)
def test_malformed_model_cards_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "card.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        parse_model(read_toml(path), path)


def test_malformed_suites_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[row]]\ndatasets = ["cora"]\nmodel = ["gat"]')
    with pytest.raises(UnknownNameError, match="models"):
        load_suite(str(path))
    path.write_text('[[row]]\ndatasets = ["cora"]')
    with pytest.raises(ConfigError, match="models"):
        load_suite(str(path))
    with pytest.raises(UnknownNameError, match="quick"):
        load_suite("quik")


def test_models_list_holds_cards_and_encoders() -> None:
    assert {"gat-sep", "residual", *CARDS} <= set(list_models())
