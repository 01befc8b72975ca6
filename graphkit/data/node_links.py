"""The links of a dataset of nodes as a link dataset: a protocol for links decides what is predicted."""

from __future__ import annotations

from dataclasses import replace

from graphkit.data.dataset import NodeDataset
from graphkit.data.heart_links import PROTOCOLS as HEART
from graphkit.data.heart_links import heart_split
from graphkit.data.link_draws import DRAWS, draw_split
from graphkit.data.links import LinkDataset, check
from graphkit.data.raw import RawLinks
from graphkit.data.tasks import card_under
from graphkit.errors import ProtocolError
from graphkit.evaluation.protocols import PROTOCOLS


def links_of(dataset: NodeDataset, protocol: str) -> LinkDataset:
    """Returns the links of a dataset of nodes, divided by a protocol; every unordered pair of nodes is one link.

    Args:
        dataset: one graph.
        protocol: one that draws its splits (`link_draws.DRAWS`), or one of HeaRT.

    Raises:
        ProtocolError: the protocol is not about links, or the graph has too few.
        DataError: HeaRT's files are missing or belong to another graph.

    Example:
        >>> from graphkit.data import load_dataset
        >>> links_of(load_dataset("karate"), "ncn-70-10-20").split()
        LinkSplit('ncn-70-10-20', 0, message=112, train=56, valid=7, test=15)
    """
    raw, provenance, splits = dataset.raw, dataset.provenance, []
    if protocol in HEART:
        found, files = heart_split(dataset.card, raw, protocol)
        splits, provenance = [found], {**provenance, "heart": files}
    elif protocol in DRAWS:
        count = PROTOCOLS[protocol].num_splits
        splits = [draw_split(protocol, index, raw.edge_index, raw.num_nodes) for index in range(count)]
    else:
        raise ProtocolError(f"protocol {protocol} has no links of nodes; {', '.join((*DRAWS, *HEART))} have")
    card = replace(card_under(dataset.card, protocol), protocols=(protocol,))
    links = RawLinks(
        num_nodes=raw.num_nodes,
        edge_index=splits[0]["message"],
        splits={protocol: splits},
        x=raw.x,
        name=dataset.name,
    )
    check(links, card)
    return LinkDataset(card, links, dataset.fingerprint, provenance)
