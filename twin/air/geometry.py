"""A room's geometry on a Cartesian grid: closed faces, driven faces, solid cells.

A rack is a box that is open at its front and its back and driven by its fans over its whole depth; a cooler is a box
with its fans and its coil at its outlet and an open intake at its back or on top; everything else that fills space is
solid. Screens are thin: panels, doors and containment where they are closed, perforated tiles and grilles where a part
of them is open; one that is open lies as an opening in one that is closed, and both have a hole where equipment stands.

Directions d are 0, 1, 2 for x, y, z; arrays are (z, y, x), so that direction d is their axis 2 - d. A face has the
numbers of the cell behind it: along x, face (z, y, x) lies between cells (z, y, x - 1) and (z, y, x).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.air.parts import Part, Role, Screen, perforated
from twin.elements import Array, Index
from twin.kernels.boundaries import Grid

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
"""A block of cells, by its ranges along z, y, x."""

Ranges = tuple[Index, Index, Index]
"""Numbers along z, y, x; a block of cells or faces is their product."""

CLEARANCE = 0.02
"""Depth from which two parts overlap, and width from which there is a gap between a part and a wall, m."""


@dataclass(frozen=True)
class AirMover:
    """A rack or cooler as faces through which it drives air and cells whose temperature it changes.

    Attributes
    ----------
    name, role
        Those of its part.
    axis, sign
        Direction of its air, as of its part.
    driven
        Faces of imposed velocity, z, y, x, (m, 3): every plane of a rack's depth, a cooler's outlet.
    area
        Area of one plane of them [m²].
    upstream
        Cells from which it draws, z, y, x, (k, 3).
    cells
        Cells that a rack heats, or in which a cooler sets the temperature, z, y, x, (c, 3).
    """

    name: str
    role: Role
    axis: int
    sign: int
    driven: Index
    area: float
    upstream: Index
    cells: Index


class FaceLoss(NamedTuple):
    """Faces of one direction with a porous resistance.

    Attributes
    ----------
    axis
        Direction of the faces.
    faces
        Their z, y, x, (m, 3).
    coefficient
        Loss coefficient K on the approach velocity.
    """

    axis: int
    faces: Index
    coefficient: float


@dataclass
class Geometry:
    """A room's grid, its closed faces by direction, and what stands in it.

    Attributes
    ----------
    grid
        Cells.
    closed
        Faces that let no air pass, for directions x, y, z; each (z, y, x) with one face more along its own direction.
    losses
        Faces with a porous resistance, a record for each open screen.
    movers
        Racks and coolers, in the order of their parts.
    solid
        Cells that hold no air, (z, y, x).
    skins
        Cells that touch each solid part on its sides and on top, by its name, z, y, x, (m, 3).
    faults
        What cannot be as it stands, a sentence each.
    """

    grid: Grid
    closed: tuple[Mask, Mask, Mask]
    losses: list[FaceLoss]
    movers: list[AirMover]
    solid: Mask
    skins: dict[str, Index] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def racks(self) -> list[AirMover]:
        """Racks, in the order of their parts."""
        return [t for t in self.movers if t.role == "rack"]

    @property
    def coolers(self) -> list[AirMover]:
        """Coolers, in the order of their parts."""
        return [t for t in self.movers if t.role == "cooler"]


def plane(axis: int, index: int | slice) -> tuple[int | slice, ...]:
    """Index into an array (z, y, x) that is `index` along one of its axes and takes all of the others."""
    return tuple(index if a == axis else slice(None) for a in range(3))


# ---- from parts and screens to cells and faces -------------------------------------------------------------------


def geometry(size: Sequence[float], cell: float, parts: Sequence[Part], screens: Sequence[Screen]) -> Geometry:
    """A room as cells and faces.

    `size` is its length, width and height (x, y, z) [m], `cell` the width of a cell [m], which is rounded so that whole
    cells fill the room. What cannot be is named in `faults` of the result: overlaps, places outside the room, cells
    that are too coarse, intakes and outlets against walls, screens that close nothing.

    >>> room = geometry((6.0, 2.0, 2.8), 0.2, [Part("r1", "rack", (3.0, 0.2, 0.0), (4.0, 1.0, 2.0))], [])
    >>> round(room.racks[0].area, 3)
    1.6
    """
    grid = Grid.uniform(size, cell)
    g = Geometry(grid, _walls(grid), [], [], np.zeros(grid.shape, bool))
    parts = [p for p in parts if _stands_inside(g, p, size)]
    screens = [s for s in screens if _stands_inside(g, s, size)]
    _place_parts(g, parts, cell)
    _hang_screens(g, screens, _faces_of_parts(g, parts))
    _check_intakes(g)
    return g


def _walls(grid: Grid) -> tuple[Mask, Mask, Mask]:
    """Faces along x, y, z of which only those in the walls of the room are closed."""
    nz, ny, nx = grid.shape
    closed = (
        np.zeros((nz, ny, nx + 1), bool),
        np.zeros((nz, ny + 1, nx), bool),
        np.zeros((nz + 1, ny, nx), bool),
    )
    for d, mask in enumerate(closed):
        for end in (0, -1):
            mask[plane(2 - d, end)] = True
    return closed


def _stands_inside(g: Geometry, item: Part | Screen, size: Sequence[float]) -> bool:
    """Whether a part or screen lies within the room; a fault if not."""
    if all(low >= -1e-6 and high <= s + 1e-6 for low, high, s in zip(item.low, item.high, size, strict=True)):
        return True
    box = " to ".join(str(tuple(round(float(v), 2) for v in c)) for c in (item.low, item.high))
    g.faults.append(f"{item.name}: stands outside its room: {box} m in a room of {tuple(map(float, size))} m")
    return False


def _place_parts(g: Geometry, parts: Sequence[Part], cell: float) -> None:
    """Place every part, with faults for those that overlap or that cells of this size [m] cannot tell apart."""
    owner = np.full(g.grid.shape, -1)
    for k, part in enumerate(parts):
        box = _box(g.grid, part.low, part.high)
        g.faults += [f"{part.name}: overlaps {other.name}" for other in parts[:k] if _overlap(part, other)]
        shared = np.setdiff1d(owner[box], [-1])
        if len(shared) and not g.faults:
            other = parts[shared[0]].name
            g.faults.append(
                f"{part.name}: cells of {cell:g} m are too coarse to part it from {other}; give smaller ones"
            )
        owner[box] = k
        _place(g, part, box)


def _overlap(a: Part, b: Part) -> bool:
    """Whether two parts stand in each other."""
    corners = zip(a.high, b.high, a.low, b.low, strict=True)
    return min(min(p, q) - max(r, s) for p, q, r, s in corners) > CLEARANCE


def _box(grid: Grid, low: Sequence[float], high: Sequence[float]) -> Box:
    """Cells between two corners (x, y, z) [m], one at least along every axis."""
    slices = []
    for axis, a, b in zip("xyz", low, high, strict=True):
        edges = grid.edges(axis)
        first = int(np.argmin(np.abs(edges - a)))
        last = int(np.argmin(np.abs(edges - b)))
        first = min(first, len(edges) - 2)
        slices.append(slice(first, max(last, first + 1)))
    return slices[2], slices[1], slices[0]


# ---- what parts do to the faces around them ----------------------------------------------------------------------


class _Passage(NamedTuple):
    """A rack's or cooler's driven faces, and the cells that are before, behind and in it, each (m, 3)."""

    driven: Index
    upstream: Index
    downstream: Index
    cells: Index


def _place(g: Geometry, part: Part, box: Box) -> None:
    """Close, open and drive the faces of a part that fills a box."""
    if part.role == "solid":
        _fill(g, box)
        g.skins[part.name] = _skin(g, box)
        return
    passage = _place_rack(g, part, box) if part.role == "rack" else _place_cooler(g, part, box)
    for does, cells in (("draws its air from", passage.upstream), ("blows its air into", passage.downstream)):
        fault = _beyond_wall(g, part, cells, does)
        if fault:
            g.faults.append(f"{part.name}: {fault}")
            return
    area = float(sections(g.grid, part.axis, passage.downstream).sum())
    moved = passage.driven, area, passage.upstream, passage.cells
    g.movers.append(AirMover(part.name, part.role, part.axis, part.sign, *moved))


def sections(grid: Grid, d: int, cells: Index) -> Array:
    """Areas of cells (m, 3) across direction d [m²], (m,)."""
    widths = grid.z, grid.y, grid.x
    return np.prod([widths[a][cells[:, a]] for a in range(3) if a != 2 - d], axis=0)


def _place_rack(g: Geometry, part: Part, box: Box) -> _Passage:
    """Let air through a rack's openings, straight as its chassis guide it; the rest of it is solid, or leaks."""
    axis = 2 - part.axis
    openings = _openings(g, part, box)
    if part.leak_area > 0:
        _leak(g, part, box, openings)
    else:
        _fill(g, box)
    along = np.arange(box[axis].start, box[axis].stop)
    cells = _swept(openings, axis, along)
    driven = _swept(openings, axis, np.append(along, box[axis].stop))
    g.solid[tuple(cells.T)] = False
    g.closed[part.axis][tuple(driven.T)] = False
    _straighten(g, part.axis, cells)
    before, behind = _ends(part, box)
    return _Passage(driven, _swept(openings, axis, [before]), _swept(openings, axis, [behind]), cells)


def _openings(g: Geometry, part: Part, box: Box) -> Index:
    """Cells in the first plane of a rack's box through which its air passes, (m, 3)."""
    axis, across = 2 - part.axis, 1 - part.axis
    low, high = list(part.low), list(part.high)
    if part.opening is not None:
        middle = 0.5 * (low[across] + high[across])
        low[across], high[across] = middle - 0.5 * part.opening, middle + 0.5 * part.opening
    cells = []
    for bottom, top in part.spans or ((0.0, part.high[2] - part.low[2]),):
        low[2], high[2] = part.low[2] + bottom, part.low[2] + top
        cells.append(_indices(_at(_ranges(_box_within(g.grid, low, high, box)), axis, box[axis].start)))
    return np.unique(np.concatenate(cells), axis=0)


def _box_within(grid: Grid, low: Sequence[float], high: Sequence[float], whole: Box) -> Box:
    """Cells of a box between two corners (x, y, z) [m], or the nearest of it: coarse cells round the two apart."""
    slices = []
    for s, w in zip(_box(grid, low, high), whole, strict=True):
        start = min(max(s.start, w.start), w.stop - 1)
        slices.append(slice(start, max(min(s.stop, w.stop), start + 1)))
    return slices[0], slices[1], slices[2]


def _swept(cells: Index, axis: int, numbers: Sequence[int] | Index) -> Index:
    """Cells (m, 3) at each of some numbers along an axis, (m numbers, 3)."""
    swept = np.repeat(cells[None], len(numbers), axis=0)
    swept[:, :, axis] = np.asarray(numbers)[:, None]
    return swept.reshape(-1, 3)


def _place_cooler(g: Geometry, part: Part, box: Box) -> _Passage:
    """Open a cooler at its intake and its outlet, behind which its coil lies."""
    d, axis = part.axis, 2 - part.axis
    intake = (d, -part.sign) if part.intake == "back" else (2, 1)
    _close_sides(g, box, (intake, (d, part.sign)))
    outlet = box if part.outlet is None else _open_outlet(g, part, box)
    face = box[axis].stop if part.sign > 0 else box[axis].start
    before, behind = _ends(part, box)
    opening = _ranges(outlet)
    coil = _at(opening, axis, face - 1 if part.sign > 0 else face)
    if part.intake == "back" or box[axis].stop - box[axis].start > 1:  # else the coil would close the way down
        _straighten(g, d, _indices(coil))
    cells = _ranges(box)
    upstream = _at(cells, 0, box[0].stop) if part.intake == "top" else _at(cells, axis, before)
    ranges = (_at(opening, axis, face), upstream, _at(opening, axis, behind), coil)
    return _Passage(*map(_indices, ranges))


def _open_outlet(g: Geometry, part: Part, box: Box) -> Box:
    """Close a cooler's side but for its outlet, whose box through the cooler comes back."""
    assert part.outlet is not None
    axis, across = 2 - part.axis, 1 - part.axis
    middle = 0.5 * (part.low[across] + part.high[across])
    low, high = list(part.low), list(part.high)
    low[across], high[across] = middle - 0.5 * part.outlet[0], middle + 0.5 * part.outlet[0]
    low[2], high[2] = part.low[2] + part.sill, part.low[2] + part.sill + part.outlet[1]
    outlet = _box_within(g.grid, low, high, box)
    face = box[axis].stop if part.sign > 0 else box[axis].start
    for block, closed in ((box, True), (outlet, False)):
        index: list[int | slice] = list(block)
        index[axis] = face
        g.closed[part.axis][tuple(index)] = closed
    return outlet


def _ends(part: Part, box: Box) -> tuple[int, int]:
    """Numbers along a part's direction of the cells before and behind its box, as its air goes."""
    along = box[2 - part.axis]
    return (along.start - 1, along.stop) if part.sign > 0 else (along.stop, along.start - 1)


def _beyond_wall(g: Geometry, part: Part, cells: Index, does: str) -> str:
    """What is wrong if cells (m, 3) lie outside the room with which a part `does` something; empty if they do not."""
    for axis, (numbers, count) in enumerate(zip(cells.T, g.grid.shape, strict=True)):
        if numbers.min() >= 0 and numbers.max() < count:
            continue
        edges = g.grid.edges("zyx"[axis])
        gap = part.low[2 - axis] if numbers.min() < 0 else edges[-1] - part.high[2 - axis]
        if gap > CLEARANCE:
            return f"cells of {edges[1]:.2g} m are too coarse to part it from the wall; give at most {gap:.2g} m"
        return f"{does} the wall of its room; turn it or move it off the wall"
    return ""


def _close_sides(g: Geometry, box: Box, skip: Sequence[tuple[int, int]]) -> None:
    """Close the faces around a box, but for those at the ends (direction, -1 or 1) to skip."""
    for d, mask in enumerate(g.closed):
        axis = 2 - d
        for end, face in ((-1, box[axis].start), (1, box[axis].stop)):
            if (d, end) not in skip:
                index: list[int | slice] = list(box)
                index[axis] = face
                mask[tuple(index)] = True


def _fill(g: Geometry, box: Box) -> None:
    """Make a box solid: no air passes any of its faces."""
    g.solid[box] = True
    for d, mask in enumerate(g.closed):
        mask[_faces_of(box, d)] = True


def _leak(g: Geometry, part: Part, box: Box, openings: Index) -> None:
    """Let air pass along a rack beside its openings, held up at its front and its back as by a perforated plate."""
    axis = 2 - part.axis
    _close_sides(g, box, ((part.axis, -1), (part.axis, 1)))
    whole = _indices(_at(_ranges(box), axis, box[axis].start))
    rest = whole[~(whole[:, None] == openings).all(axis=2).any(axis=1)]
    for face in (box[axis].start, box[axis].stop):
        g.losses.append(FaceLoss(part.axis, _swept(rest, axis, [face]), perforated(part.leak_area)))


def _straighten(g: Geometry, d: int, cells: Index) -> None:
    """Close the faces between a coil's cells but along its direction: its fins let air leave straight."""
    for other, mask in enumerate(g.closed):
        if other != d:
            for step in (0, 1):
                faces = cells.copy()
                faces[:, 2 - other] += step
                mask[tuple(faces.T)] = True


def _skin(g: Geometry, box: Box) -> Index:
    """Cells that touch a solid box on its sides and on top, (m, 3)."""
    layers = []
    for axis, step in ((0, 1), (1, -1), (1, 1), (2, -1), (2, 1)):
        number = box[axis].stop if step > 0 else box[axis].start - 1
        if 0 <= number < g.grid.shape[axis]:
            layers.append(_indices(_at(_ranges(box), axis, number)))
    return np.concatenate(layers) if layers else np.zeros((0, 3), int)


# ---- screens -----------------------------------------------------------------------------------------------------


def _hang_screens(g: Geometry, screens: Sequence[Screen], occupied: Sequence[Mask]) -> None:
    """Close the faces of screens, snapped to the grid, then open those of openings; equipment keeps `occupied` ones."""
    closing = []
    for s in sorted(screens, key=lambda s: s.open_area > 0.0):
        axis = 2 - s.axis
        edges = g.grid.edges("xyz"[s.axis])
        place = int(np.argmin(np.abs(edges - s.low[s.axis])))
        faces = _indices(_at(_ranges(_box(g.grid, s.low, s.high)), axis, place))
        faces = faces[~occupied[s.axis][tuple(faces.T)]]
        g.closed[s.axis][tuple(faces.T)] = s.open_area <= 0.0
        if s.open_area <= 0.0:
            closing.append((s, faces))
        elif 0 < place < len(edges) - 1:
            g.losses.append(FaceLoss(s.axis, faces, s.loss))
        else:
            g.faults.append(f"{s.name}: a screen that lets air through cannot lie in a wall of its room")
    for s, faces in closing:
        if len(faces) and not g.closed[s.axis][tuple(faces.T)].any():
            g.faults.append(f"{s.name}: closes nothing, as all of it lies in a screen that is open; divide that one")


def _faces_of_parts(g: Geometry, parts: Sequence[Part]) -> tuple[Mask, ...]:
    """Faces in and around all parts, by direction."""
    masks = tuple(np.zeros_like(mask) for mask in g.closed)
    for part in parts:
        box = _box(g.grid, part.low, part.high)
        for d, mask in enumerate(masks):
            mask[_faces_of(box, d)] = True
    return masks


def _check_intakes(g: Geometry) -> None:
    """Faults of equipment that draws from something solid."""
    for t in g.movers:
        if g.solid[tuple(t.upstream.T)].all():
            g.faults.append(f"{t.name}: something solid stands right before its intake")


# ---- blocks of cells and faces -----------------------------------------------------------------------------------


def _faces_of(box: Box, d: int) -> tuple[slice, ...]:
    """Faces of direction d in and around a box."""
    return tuple(slice(s.start, s.stop + (axis == 2 - d)) for axis, s in enumerate(box))


def _ranges(box: Box) -> Ranges:
    """A box's numbers along z, y, x."""
    z, y, x = (np.arange(s.start, s.stop) for s in box)
    return z, y, x


def _at(ranges: Ranges, axis: int, numbers: int | Index) -> Ranges:
    """Ranges that are replaced along one axis."""
    z, y, x = (np.atleast_1d(numbers) if a == axis else r for a, r in enumerate(ranges))
    return z, y, x


def _indices(ranges: Ranges) -> Index:
    """Every z, y, x of a product of ranges, (m, 3)."""
    return np.stack([m.ravel() for m in np.meshgrid(*ranges, indexing="ij")], axis=1)
