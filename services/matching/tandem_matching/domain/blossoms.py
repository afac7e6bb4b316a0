"""Blossoms: the best pairs within one pool, where anybody may be paired with anybody (a general graph).

Edmonds' primal-dual method: every person has a price, an edge is worth no more than the prices of its two ends, and
only edges worth exactly that are used. Whoever is alone grows one alternating tree; an odd cycle that closes in the
tree is shrunk to a blossom, which gets a price of its own. In the end whoever is alone has the price zero, and prices
and blossoms prove that nothing is worth more (J. Edmonds, "Maximum matching and a polyhedron with 0,1-vertices", 1965;
Z. Galil, "Efficient algorithms for finding maximum matching in graphs", 1986).
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import count

ALONE = -1
_OUTER, _INNER = 1, 2
_ZERO, _GROW, _CLOSE, _OPEN = 1, 2, 3, 4

Edge = tuple[int, int]


class _Blossom:
    """An odd cycle, shrunk. Its first part holds its base, the one person in it who is matched to the outside."""

    __slots__ = ("base", "excess", "links", "parent", "parts")

    def __init__(self, parts: "list[Node]", links: list[Edge], base: int) -> None:
        self.parts = parts
        self.links = links
        """Link k joins somebody in part k with somebody in the part after it."""
        self.base = base
        self.excess = 0
        self.parent: _Blossom | None = None

    def people(self) -> Iterator[int]:
        for part in self.parts:
            if isinstance(part, _Blossom):
                yield from part.people()
            else:
                yield part


Node = int | _Blossom


class Blossoms:
    """A matching that is being improved; prices are in halves of what edges are worth, so that all stay whole."""

    def __init__(self, edges: Sequence[Sequence[tuple[int, int]]], prices: Sequence[int], mates: Sequence[int]) -> None:
        """Begin with `mates`, of edges that are worth exactly the two prices together.

        `edges[i]` are (other person, twice the worth), and listed for both; no edge is worth more than its two prices.
        """
        self.mates = list(mates)
        self._edges = edges
        self._prices = list(prices)
        self._top: list[Node] = list(range(len(prices)))
        self._parents: dict[int, _Blossom] = {}
        self._label: dict[Node, int] = {}
        self._entry: dict[Node, Edge | None] = {}
        self._since: dict[Node, int] = {}
        self._now = 0
        self._events: list[tuple[int, int, int, object]] = []
        self._order = count()

    def finish(self) -> None:
        """Look for a mate for everybody who is alone and has a price."""
        for person in range(len(self.mates)):
            if self.mates[person] == ALONE and self._prices[person] > 0:
                self._search(person)

    def prices(self) -> list[int]:
        """Everybody's price, in halves."""
        return self._prices

    def bound(self) -> int:
        """Twice what no matching can exceed: all prices, and each blossom's excess for every pair it could hold."""
        tops = {id(node): node for node in self._top if isinstance(node, _Blossom)}
        waiting, total = list(tops.values()), sum(self._prices)
        while waiting:
            one = waiting.pop()
            total += one.excess * (sum(1 for _ in one.people()) // 2)
            waiting += [part for part in one.parts if isinstance(part, _Blossom)]
        return total

    def _search(self, root: int) -> None:
        self._now = 0
        self._events.clear()
        self._mark(self._top[root], _OUTER, None)
        while True:
            self._now, kind, _, what = heappop(self._events)
            if kind == _ZERO:
                assert isinstance(what, int)
                self._flip(what, ALONE)
                break
            if kind == _OPEN:
                assert isinstance(what, _Blossom)
                if self._label.get(what) == _INNER and self._stands(what):
                    self._open_inner(what)
                continue
            assert isinstance(what, tuple)
            here, there, worth = what
            top = self._top[there]
            if top == self._top[here]:
                continue
            if kind == _CLOSE:
                self._close(here, there)
            # Who was inner in between is dearer than when this was noted.
            elif top not in self._label and self._price(here) + self._price(there) == worth:
                base = top.base if isinstance(top, _Blossom) else top
                mate = self.mates[base]
                if mate == ALONE:
                    if isinstance(top, _Blossom):
                        self._turn(top, there)
                    self.mates[there] = here
                    self._flip(here, there)
                    break
                self._mark(top, _INNER, (here, there))
                self._mark(self._top[mate], _OUTER, (base, mate))
        for node in list(self._label):
            outer = self._label[node] == _OUTER
            self._settle(node)
            self._unmark(node)
            if outer and isinstance(node, _Blossom) and not node.excess:
                self._dissolve(node)

    def _stands(self, blossom: _Blossom) -> bool:
        return blossom.parent is None and self._excess(blossom) == 0

    def _price(self, person: int) -> int:
        top = self._top[person]
        label = self._label.get(top)
        if label is None:
            return self._prices[person]
        passed = self._now - self._since[top]
        return self._prices[person] - passed if label == _OUTER else self._prices[person] + passed

    def _excess(self, blossom: _Blossom) -> int:
        label = self._label.get(blossom)
        if label is None:
            return blossom.excess
        passed = 2 * (self._now - self._since[blossom])
        return blossom.excess + passed if label == _OUTER else blossom.excess - passed

    def _event(self, at: int, kind: int, what: object) -> None:
        heappush(self._events, (at, kind, next(self._order), what))

    def _mark(self, node: Node, label: int, entry: Edge | None) -> None:
        self._label[node], self._entry[node], self._since[node] = label, entry, self._now
        if label == _INNER:
            if isinstance(node, _Blossom):
                self._event(self._now + node.excess // 2, _OPEN, node)
            return
        for person in _people(node):
            self._look(person)

    def _unmark(self, node: Node) -> None:
        del self._label[node], self._entry[node], self._since[node]

    def _settle(self, node: Node) -> None:
        """Write down what prices have become."""
        for person in _people(node):
            self._prices[person] = self._price(person)
        if isinstance(node, _Blossom):
            node.excess = self._excess(node)
        self._since[node] = self._now

    def _look(self, person: int) -> None:
        """Note when the edges of somebody in an outer node will be worth exactly their prices."""
        own, top = self._price(person), self._top[person]
        self._event(self._now + own, _ZERO, person)
        for other, worth in self._edges[person]:
            there = self._top[other]
            if there == top:
                continue
            label = self._label.get(there)
            if label == _INNER:
                continue
            slack = own + self._price(other) - worth
            if label == _OUTER:
                self._event(self._now + slack // 2, _CLOSE, (person, other, worth))
            else:
                self._event(self._now + slack, _GROW, (person, other, worth))

    def _above(self, node: Node) -> list[Node]:
        """The node and everything between it and the tree's root."""
        chain = [node]
        while (entry := self._entry[chain[-1]]) is not None:
            chain.append(self._top[entry[0]])
        return chain

    def _close(self, here: int, there: int) -> None:
        """Shrink the cycle that this edge closes."""
        ours, theirs = self._above(self._top[here]), self._above(self._top[there])
        common = next(node for node in theirs if node in ours)
        ours, theirs = ours[: ours.index(common)], theirs[: theirs.index(common)]
        parts: list[Node] = [common, *reversed(ours), *theirs]
        links = [self._entered(node) for node in reversed(ours)]
        links.append((here, there))
        links += [self._entered(node)[::-1] for node in theirs]
        base = common.base if isinstance(common, _Blossom) else common
        blossom = _Blossom(parts, links, base)
        entry = self._entry[common]
        inner = []
        for part in parts:
            self._settle(part)
            if self._label[part] == _INNER:
                inner += _people(part)
            self._unmark(part)
            if isinstance(part, _Blossom):
                part.parent = blossom
            else:
                self._parents[part] = blossom
        for person in blossom.people():
            self._top[person] = blossom
        self._label[blossom], self._entry[blossom], self._since[blossom] = _OUTER, entry, self._now
        for person in inner:
            self._look(person)

    def _entered(self, node: Node) -> Edge:
        entry = self._entry[node]
        assert entry is not None
        return entry

    def _release(self, blossom: _Blossom) -> None:
        """Let the parts of a blossom stand by themselves."""
        for part in blossom.parts:
            if isinstance(part, _Blossom):
                part.parent = None
            else:
                del self._parents[part]
            for person in _people(part):
                self._top[person] = part

    def _dissolve(self, blossom: _Blossom) -> None:
        """Release a blossom without excess, and those in it that have none either."""
        self._release(blossom)
        for part in blossom.parts:
            if isinstance(part, _Blossom) and not part.excess:
                self._dissolve(part)

    def _open_inner(self, blossom: _Blossom) -> None:
        """Release an inner blossom whose excess is used up; the tree goes on along the even way through it."""
        self._settle(blossom)
        entry = self._entered(blossom)
        self._unmark(blossom)
        self._release(blossom)
        parts, links = blossom.parts, blossom.links
        at = parts.index(self._top[entry[1]])
        step = 1 if at % 2 else -1
        self._mark(parts[at], _INNER, entry)
        while at % len(parts):
            for label in (_OUTER, _INNER):
                link = links[at % len(parts)] if step == 1 else links[(at - 1) % len(parts)][::-1]
                at += step
                self._mark(parts[at % len(parts)], label, link)
        for part in parts:
            if part not in self._label:
                for person in _people(part):
                    for other, worth in self._edges[person]:
                        if self._label.get(self._top[other]) == _OUTER:
                            slack = self._price(other) + self._prices[person] - worth
                            self._event(self._now + slack, _GROW, (other, person, worth))

    def _flip(self, person: int, mate: int) -> None:
        """Give somebody in an outer node this mate, and change partners all the way up to the root."""
        while True:
            top = self._top[person]
            if isinstance(top, _Blossom):
                self._turn(top, person)
            self.mates[person] = mate
            entry = self._entry[top]
            if entry is None:
                return
            inner = self._top[entry[0]]
            above, below = self._entered(inner)
            if isinstance(inner, _Blossom):
                self._turn(inner, below)
            self.mates[below] = above
            person, mate = above, below

    def _turn(self, blossom: _Blossom, person: int) -> None:
        """Match a blossom within itself so that this person is its base."""
        part: Node = person
        while (above := part.parent if isinstance(part, _Blossom) else self._parents[part]) is not blossom:
            assert above is not None
            part = above
        if isinstance(part, _Blossom):
            self._turn(part, person)
        parts, links = blossom.parts, blossom.links
        begin = at = parts.index(part)
        step = 1 if at % 2 else -1
        while at % len(parts):
            at += step
            one, other = links[at % len(parts)] if step == 1 else links[(at - 1) % len(parts)][::-1]
            for end, position in ((one, at), (other, at + step)):
                node = parts[position % len(parts)]
                if isinstance(node, _Blossom):
                    self._turn(node, end)
            self.mates[one], self.mates[other] = other, one
            at += step
        blossom.parts, blossom.links = parts[begin:] + parts[:begin], links[begin:] + links[:begin]
        blossom.base = person


def _people(node: Node) -> list[int]:
    return list(node.people()) if isinstance(node, _Blossom) else [node]
