"""Bags of subgraphs as differences from their graph: only nodes that an edit can have reached by a layer have a row.

A mark, a deleted node or a deleted edge changes the state of a node after l layers only within l edges, so all other
nodes of the subgraph share one state, that of the graph itself. An ego net differs from the graph without edges, in the
same way. What is computed is exactly what full copies of the graph would give; it takes a fraction of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from graphkit.errors import BudgetExceeded, ConfigError, GraphValidationError
from graphkit.kernels.arrays import indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.pool import run_range

Edit = Literal["mark", "delete-node", "delete-edge", "ego"]
BUDGET = 4_000_000_000
"""Most bytes that the states of one layer of a bag may take unless told otherwise."""


@dataclass(frozen=True, eq=False)
class Bag:
    """The subgraphs of a batch: N nodes, S subgraphs, R rows (a node in a subgraph) ordered by distance to the roots.

    States of a layer are one tensor [N + R_l, C]: first the state that a node has wherever no edit has reached it, then
    those of the rows.

    Args:
        graph: the batch.
        edit: what is done to a subgraph.
        root: [S, l] int64 roots of every subgraph.
        owner: [S] int64 graph of every subgraph.
        ptr: [G + 1] int64 first node of every graph.
        copies: [N] int64 number of subgraphs of each node's graph, unedited ones counted.
        node: [R] int64 node of every row.
        sub: [R] int64 subgraph of every row.
        level: [D + 2] rows with distance below d are the first `level[d]`.
    """

    graph: CSRGraph
    edit: Edit
    root: Tensor
    owner: Tensor
    ptr: Tensor
    copies: Tensor
    node: Tensor
    sub: Tensor
    level: tuple[int, ...]
    _messages: tuple[Any, Any, Any]

    @property
    def num_rows(self) -> int:
        """R."""
        return self.level[-1]

    @property
    def depth(self) -> int:
        """D, the largest distance of a row."""
        return len(self.level) - 2

    @cached_property
    def distance(self) -> Tensor:
        """[R] int64 distance of every row to the nearest root of its subgraph."""
        sizes = torch.tensor(self.level).diff()
        return torch.repeat_interleave(torch.arange(len(sizes)), sizes).to(self.node.device)

    def rows(self, layer: int) -> int:
        """R_l, the number of rows whose state may differ after `layer` layers."""
        if self.edit == "ego":
            return self.num_rows
        reach = layer if self.edit == "mark" or layer > 0 else -1
        return self.level[min(reach, self.depth) + 1]

    def operator(self, layer: int) -> CSRGraph:
        """Who reads whom in layer l = 1, 2, ...: targets N + R_l, sources N + R_(l-1); everything reads itself too.

        `parent_edge` holds the edges of the graph, -1 where a state reads itself.
        """
        key = (self.rows(layer), self.rows(layer - 1))
        if key not in self._operators:
            self._operators[key] = _operator(self, *key)
        return self._operators[key]

    @cached_property
    def inside(self) -> CSRGraph:
        """Who reads whom where every message comes from a row (ego nets, or `whole`): targets R, sources R."""
        into, source, edge = self._messages
        arrays = (torch.from_numpy(array) for array in (into.astype(np.int32), source, edge))
        rowptr, col, parent = arrays
        return _flipped(rowptr, col, self.num_rows, self.num_rows, parent).to(self.node.device)

    @cached_property
    def rows_of_node(self) -> CSRGraph:
        """Targets N, sources R. Its transpose spreads node states over rows."""
        return _flipped_index(self.node, self.graph.num_nodes).t

    @cached_property
    def rows_of_subgraph(self) -> CSRGraph:
        """Targets S, sources R."""
        return _flipped_index(self.sub, len(self.root)).t

    def subgraphs_of_node(self, place: int = 0) -> CSRGraph:
        """Targets N, sources S: the subgraphs whose root number `place` a node is."""
        return _flipped_index(self.root[:, place], self.graph.num_nodes).t

    @cached_property
    def nodes_of_graph(self) -> CSRGraph:
        """Targets G, sources N."""
        nodes = torch.arange(self.graph.num_nodes, dtype=torch.int32)
        return _flipped(self.ptr.to("cpu", torch.int32), nodes, len(nodes), len(self.ptr) - 1, None).to(
            self.node.device
        )

    @cached_property
    def _operators(self) -> dict[tuple[int, int], CSRGraph]:
        return {}

    def spread(self, layer: int) -> CSRGraph:
        """From nodes to states after `layer` layers: targets N + R_l read their node. Its transpose gathers."""
        nodes, rows = self.graph.num_nodes, self.rows(layer)
        if (rows, -1) not in self._operators:
            col = torch.cat([torch.arange(nodes), self.node[:rows].cpu()]).to(torch.int32)
            built = _flipped(torch.arange(nodes + rows + 1, dtype=torch.int32), col, nodes, nodes + rows, None)
            self._operators[rows, -1] = built.to(self.node.device)
        return self._operators[rows, -1]

    def multiplicity(self, layer: int) -> Tensor:
        """[N + R_l] int64 in how many subgraphs a state of layer `layer` stands: once a row, the rest at its node."""
        rows = self.rows(layer)
        held = torch.bincount(self.node[:rows], minlength=self.graph.num_nodes)
        return torch.cat([self.copies - held, self.node.new_ones(rows)])


def make_bag(
    graph: CSRGraph,
    root: Tensor,
    owner: Tensor,
    ptr: Tensor,
    edit: Edit,
    depth: int,
    *,
    whole: bool = False,
    extra: int = 0,
    budget: int = BUDGET,
    row_bytes: int = 256,
) -> Bag:
    """Builds the bag of a batch of graphs.

    Args:
        graph: N nodes, all edges in both directions.
        root: [S, l] roots, by graph.
        owner: [S] graph of every subgraph.
        ptr: [G + 1] first node of every graph.
        edit: `mark` the roots, `delete-node`, `delete-edge` (between both roots), or keep the `ego` net alone.
        depth: D, distance to the farthest row: the number of layers, or the radius of ego nets.
        whole: give every node of the graph a row in every subgraph, whatever its distance.
        extra: unedited copies of the graph in every bag.
        budget: most bytes of states.
        row_bytes: of a state.

    Raises:
        BudgetExceeded: the rows would take more bytes; nothing was allocated for them.
        GraphValidationError: an edge lacks its reverse.
        ConfigError: unknown edit.

    Example:
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> make_bag(path, torch.tensor([[0], [2]]), torch.tensor([0, 0]), torch.tensor([0, 3]), "mark", 1).level
        (0, 2, 4)
    """
    from graphkit.kernels.cpu import bags

    if edit not in get_args(Edit):
        raise ConfigError(f"unknown edit {edit!r}; use one of {', '.join(get_args(Edit))}")
    device, graph = graph.device, graph.to("cpu")
    rowptr, col = indices(graph)
    if not bags.symmetric(rowptr, col):
        raise GraphValidationError("bags of subgraphs need undirected graphs; add the reverse of every edge")
    code = get_args(Edit).index(edit)
    roots, owners, first = (value.cpu().numpy().astype(np.int64) for value in (root, owner, ptr))
    begin, end = first[owners], first[owners + 1]
    subs, counts = len(roots), np.zeros((depth + 1, len(roots)), np.int64)
    none = np.empty(0, np.int64)
    call = (rowptr, col, roots, begin, end, depth, whole)
    work = max(1, graph.num_edges // max(len(first) - 1, 1))
    run_range(subs, bags.grow, *call, counts, counts, none, none, none, code, work=work)
    sizes = counts.sum(axis=1)
    rows = int(sizes.sum())
    _within(rows, subs, budget, row_bytes)
    start = np.concatenate([[0], np.cumsum(counts.ravel())[:-1]]).reshape(counts.shape).astype(np.int64)
    node, sub, degree = (np.empty(rows, np.int64) for _ in range(3))
    if rows:
        run_range(subs, bags.grow, *call, start, counts, node, sub, degree, code, work=work)
    into = np.concatenate([[0], np.cumsum(degree)]).astype(np.int64)
    source, edge = np.empty(into[-1], np.int32), np.empty(into[-1], np.int32)
    run_range(
        subs,
        bags.connect,
        rowptr,
        col,
        graph.edge_id.numpy(),
        roots,
        start,
        counts,
        code,
        node,
        into,
        source,
        edge,
        work=work,
    )
    held = np.bincount(owners, minlength=len(first) - 1) + extra
    return Bag(
        graph,
        edit,
        root.to(device),
        owner.to(device),
        ptr.to(device),
        torch.from_numpy(np.repeat(held, np.diff(first))).to(device),
        torch.from_numpy(node).to(device),
        torch.from_numpy(sub).to(device),
        (0, *np.cumsum(sizes).tolist()),
        (into, source, edge),
    )


def _within(rows: int, subs: int, budget: int, row_bytes: int) -> None:
    if rows * row_bytes > budget:
        raise BudgetExceeded(
            f"a bag of {subs:,} subgraphs with {rows:,} nodes would take {rows * row_bytes:,} bytes a layer,"
            f" more than the budget of {budget:,}; use policy `random`, ego nets of a smaller radius, or raise"
            " budget_mb"
        )


def _operator(bag: Bag, rows: int, limit: int) -> CSRGraph:
    from graphkit.kernels.cpu import bags

    into, source, edge = bag._messages
    graph, nodes = bag.graph, bag.graph.num_nodes
    own = _with_self(graph) if bag.edit != "ego" else _self_alone(nodes)
    base = int(own[0][-1])
    rowptr = np.concatenate([own[0], base + into[1 : rows + 1]]).astype(np.int32)
    col, parent = np.empty(base + into[rows], np.int32), np.empty(base + into[rows], np.int32)
    col[:base], parent[:base], parent[base:] = own[1], own[2], edge[: into[rows]]
    run_range(rows, bags.resolve, into, source, bag.node.cpu().numpy(), limit, nodes, base, col)
    built = _flipped(
        torch.from_numpy(rowptr), torch.from_numpy(col), nodes + limit, nodes + rows, torch.from_numpy(parent)
    )
    return built.to(bag.node.device)


def _with_self(graph: CSRGraph) -> tuple[Any, Any, Any]:
    rowptr, col = indices(graph)
    nodes = graph.num_nodes
    row = np.concatenate([np.arange(nodes), np.repeat(np.arange(nodes), np.diff(rowptr))])
    order = np.argsort(row, kind="stable")
    joined = np.concatenate([np.arange(nodes), col])[order]
    edges = np.concatenate([np.full(nodes, -1), graph.edge_id.numpy()])[order]
    return rowptr + np.arange(nodes + 1), joined, edges


def _self_alone(nodes: int) -> tuple[Any, Any, Any]:
    return np.arange(nodes + 1), np.arange(nodes), np.full(nodes, -1)


def _flipped(rowptr: Tensor, col: Tensor, sources: int, targets: int, parent: Tensor | None) -> CSRGraph:
    """A graph in slot order whose transpose is a counting sort, made when it is asked for."""
    return _Operator(rowptr, col, torch.arange(len(col), dtype=torch.int32), sources, targets, parent)


def _flipped_index(index: Tensor, size: int) -> CSRGraph:
    """Every row reads the one entry that `index` names."""
    rowptr = torch.arange(len(index) + 1, dtype=torch.int32)
    built = _flipped(rowptr, index.to("cpu", torch.int32), size, len(index), None)
    return built.to(index.device)


class _Operator(CSRGraph):
    @cached_property
    def _transposed(self) -> tuple[CSRGraph, Tensor]:
        from graphkit.kernels.cpu import bags

        flipped = np.zeros(self.num_sources + 1, np.int32)
        target, slot = np.empty(len(self.col), np.int32), np.empty(len(self.col), np.int32)
        bags.transpose(self.rowptr.cpu().numpy(), self.col.cpu().numpy(), flipped, target, slot)
        arrays = (torch.from_numpy(array).to(self.device) for array in (flipped, target, slot))
        rowptr, col, slots = arrays
        turned = CSRGraph(rowptr, col, slots, self.num_targets, self.num_sources, self.parent_edge)
        back = torch.empty_like(slots)
        back[slots.long()] = torch.arange(len(slots), dtype=slots.dtype, device=slots.device)
        turned.__dict__["_transposed"] = (self, back)
        return turned, slots
