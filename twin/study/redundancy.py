"""Redundancy of the paths to the racks, stage by stage: how many of the pieces that stand in for each other may fail.

A stage is equipment of one type, as many of the same type before it on the way from the sources, that feeds a consumer
in common, directly or through others of the stage; of cooling, equipment of one type on the same coolant loops and
in the same room. With n pieces of which s may fail, whichever they are, n - s are needed, and the stage is N+s, or 2N
where s = n - s. Pieces are counted by solving: a loss is borne where every rack runs as before, within all limits for
continuous load.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.facility.build import load
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.structure import SUPPLY, End
from twin.kernels.later import later
from twin.serving.tokens import check_served
from twin.solver.steady import Progress
from twin.study.contingencies import Loss, Mode, after, verdict
from twin.study.transfers import elements, units

if TYPE_CHECKING:
    import networkx as nx
else:
    nx = later("networkx")

WAYS = 64
"""Ways to lose so many pieces of a stage that are solved at most; where there are more, `spare` is what is shown."""


class Stage(NamedTuple):
    """Pieces that stand in for each other on the way to racks.

    path: "power" or "cooling". kind: type of the equipment. names: of it. pieces: with units counted. spare: how many
    may fail, whichever they are. maintainable: whether any one can be taken out by hand. more: whether `spare` is what
    was tried, and more may be.
    """

    path: str
    kind: str
    names: tuple[str, ...]
    pieces: int
    spare: int
    maintainable: bool
    more: bool = False

    @property
    def label(self) -> str:
        """N, N+1, 2N, 2N+1; "others" where the whole stage may fail, as another path bears its load."""
        needed = self.pieces - self.spare
        if not needed:
            return "others"
        twice, rest = divmod(self.pieces, needed)
        text = f"{twice}N" + (f"+{rest}" if rest else "") if twice > 1 else "N" + (f"+{rest}" if rest else "")
        return text + (" or more" if self.more else "")


def redundancy(
    layout: Any,
    *,
    names: Iterable[str] | None = None,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> tuple[Stage, ...]:
    """Redundancy of each stage of the paths to the racks, computed by failing its pieces; no certificate.

    layout, case, overrides: as `twin.load` takes them. names: stages with any of these elements, all if not given.
    device, progress: see `twin.solve`. Standby equipment counts as a piece. Raises LayoutError for bad input and for a
    layout that has no solution as it stands.

    >>> for stage in twin.redundancy("gb300_hall"): print(stage.label, *stage.names)
    """
    facility = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    check_served(facility)
    found = stages(facility)
    if names is not None:
        chosen = set(names)
        unknown = sorted(chosen - {n for _, _, members in found for n in members})
        if unknown:
            raise LayoutError(facility.name, [f"redundancy: {n} is in no stage of a path" for n in unknown])
        found = [s for s in found if chosen & set(s[2])]
    pieces = [Counter({n: units(facility, n) for n in members}) for *_, members in found]
    singles = [(i, _loss(facility, lost)) for i, have in enumerate(pieces) for lost in _ways(have, 1, have.total())]
    by_hand = _borne(facility, singles, "planned", device, progress)
    spare, more = [0] * len(found), [False] * len(found)
    alive, count = set(range(len(found))), 1
    while alive:
        asked = list[tuple[int, Loss]]()
        for i in sorted(alive):
            ways = _ways(pieces[i], count, WAYS + 1)
            if len(ways) > WAYS and count > 1:
                more[i] = True
                continue
            asked += [(i, _loss(facility, lost)) for lost in ways]
        borne = _borne(facility, asked, "fault", device, progress)
        alive = {i for i, good in borne.items() if good}
        for i in alive:
            spare[i] = count
        count += 1
        alive = {i for i in alive if count <= pieces[i].total()}
    return tuple(
        Stage(path, kind, members, pieces[i].total(), spare[i], by_hand[i], more[i])
        for i, (path, kind, members) in enumerate(found)
    )


def _borne(
    facility: Facility, asked: list[tuple[int, Loss]], mode: Mode, device: str, progress: Progress | None
) -> dict[int, bool]:
    """Whether a stage, by its number, bears all that is asked of it."""
    if not asked:
        return {}
    effects, _ = after(facility, [(loss, mode) for _, loss in asked], device, progress)
    borne = dict[int, bool]()
    for (i, _), (_, effect) in zip(asked, effects, strict=True):
        borne[i] = borne.get(i, True) and verdict(effect, "planned") == "survived"
    return borne


def _ways(pieces: Counter[str], count: int, most: int) -> list[Counter[str]]:
    """Different ways to lose so many pieces, up to a number of them."""
    return list(islice(_spread(list(pieces.items()), count), most))


def _spread(pieces: list[tuple[str, int]], count: int) -> Iterator[Counter[str]]:
    """Ways to take so many pieces, as many as there are of each at most."""
    if not count:
        yield Counter()
    for place, (name, there) in enumerate(pieces):
        for taken in range(min(there, count), 0, -1):
            yield from (Counter({name: taken}) + rest for rest in _spread(pieces[place + 1 :], count - taken))


def _loss(facility: Facility, lost: Counter[str]) -> Loss:
    """The loss of so many units of each."""
    changes, whole = dict[str, float](), list[str]()
    for name, count in lost.items():
        there, field = units(facility, name), facility.components[name].units_field
        if count == there:
            changes[f"{name}.in_service"] = 0.0
            whole.append(name)
        else:
            changes[f"{name}.{field}"] = float(there - count)
    return Loss(", ".join(f"{n} ({c})" for n, c in lost.items()), changes, tuple(whole))


# ---- stages ------------------------------------------------------------------------------------------------------


def stages(facility: Facility) -> list[tuple[str, str, tuple[str, ...]]]:
    """Stages of the paths: path, type and names, in the order of the layout; power first."""
    parts = facility.components
    able = {*elements(facility), *(n for n, p in parts.items() if getattr(p, "standby", "none") != "none")}
    place, joined = {n: i for i, n in enumerate(parts)}, nx.Graph()
    for consumer, way in _ways_in(facility):
        before = defaultdict[str, set[int]](set)
        for distance, name in way:
            before[parts[name].kind].add(distance)
        for distance, name in way:
            rank = sorted(before[parts[name].kind]).index(distance)
            if name in able:
                joined.add_edge(name, (consumer, parts[name].kind, rank))
    found = list[tuple[str, str, tuple[str, ...]]]()
    for ends in nx.connected_components(joined):
        names = sorted((n for n in ends if isinstance(n, str)), key=place.__getitem__)
        found.append(("power", parts[names[0]].kind, tuple(names)))
    loops, alike = defaultdict[str, list[int]](list), defaultdict[tuple[object, ...], list[str]](list)
    for number, loop in enumerate(facility.loops()):
        for name in loop.components:
            loops[name].append(number)
    for name in sorted(able - set(joined), key=place.__getitem__):
        if any(spec.carrier != "power" for spec in parts[name].ports.values()):
            alike[parts[name].kind, tuple(loops[name]), parts[name].room].append(name)
    found.sort(key=lambda stage: place[stage[2][0]])
    return found + [("cooling", parts[names[0]].kind, tuple(names)) for names in alike.values()]


def _ways_in(facility: Facility) -> Iterator[tuple[str, set[tuple[int, str]]]]:
    """For each feed of a consumer its name and the components on shortest ways from the sources, with how many stand
    before each. A switch that is open passes, since it may close.
    """
    structure, parts = facility.structure, facility.components
    ports = structure.ports
    distance, queue = {SUPPLY: 0}, deque[End]([SUPPLY])
    came = defaultdict[End, list[tuple[End, str]]](list)
    sources = [((n, port), n) for n, part in parts.items() for port in part.sources]
    while queue:
        at = queue.popleft()
        onward = sources if at == SUPPLY else [(v, d["component"]) for v, d in ports[at].items()]
        for end, name in onward:
            if ports.nodes[end]["carrier"] != "power":
                continue
            far = distance[at] + bool(name)
            if far < distance.get(end, far + 1):
                distance[end] = far
                came[end] = []
                (queue.append if name else queue.appendleft)(end)
            if far == distance[end]:
                came[end].append((at, name))
    for consumer, feeds in structure.feeds_of.items():
        for start, _ in feeds:
            way, stack, seen = set[tuple[int, str]](), [start], {start}
            while stack:
                for at, name in came[stack.pop()]:
                    if name:
                        way.add((distance[at], name))
                    if at not in seen:
                        seen.add(at)
                        stack.append(at)
            yield consumer, way
