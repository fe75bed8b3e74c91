"""Plots of a result: where its power goes, its diagrams, limits, costs, and a plan of its floor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from twin import columns
from twin.columns import Array
from twin.components.base import Look
from twin.domains import electrical
from twin.elements import Source
from twin.facility.files import LayoutError
from twin.kernels.later import later
from twin.money.yearly import yearly
from twin.plant.wiring import Wiring
from twin.results.dataset import reason
from twin.results.figures import figures
from twin.results.limits import TOLERANCE, Binding
from twin.show.plots.groups import Group, coolant, single_line
from twin.show.plots.style import COLOURS, Plot, drawn
from twin.show.scene import paint
from twin.show.scene.paint import MAPS, UNKNOWN, Scale
from twin.show.scene.places import things
from twin.show.scene.routes import Flows
from twin.show.scene.scene import scenario_text
from twin.show.scene.stage import colours
from twin.study.part_load import PartLoad, over_dry_bulb, over_load

if TYPE_CHECKING:
    from matplotlib import cm, colors, patches, path

    from twin.api import Result
    from twin.facility.graph import Facility
else:
    cm, colors, patches, path = (later(f"matplotlib.{name}") for name in ("cm", "colors", "patches", "path"))

INK, PALE, GOOD, TIGHT, PAST = "#28323c", "#8793a0", COLOURS[0], COLOURS[4], "#c8102e"
TIGHT_BELOW = 0.05
"""Margin below which a limit is drawn as tight."""

MAX_MERGED = 14
"""Consumers told by name in the box of a diagram."""

ENDS = {
    "it": "racks",
    "pumps": "pumps",
    "cdus": "CDUs",
    "air_handling": "room cooling fans",
    "heat_rejection": "heat rejection",
    "humidification": "humidifiers",
    "house": "house loads",
    "electrical_loss": "electrical losses",
}
"""Short names of the headings of the meter."""


class ResultPlots:
    """Plots of a result: call it for an overview. Each shows itself in a notebook and is written by `write(path)`.

    >>> twin.solve("gb300_hall").plot.sankey().write("sankey.svg")
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    def __call__(self, scenario: int = 0) -> Plot:
        """The overview: plan of the floor, where the power goes, the tightest limits, and what a year costs."""
        self._solved(scenario)

        def draw(axes: Any) -> None:
            self._floor(axes["a"], paint.default(self._result), scenario)
            self._sankey(axes["b"], scenario)
            self._limits(axes["c"], scenario, 8)
            self._cost(axes["d"], scenario)
            axes["a"].figure.suptitle(self._headline(scenario), x=0.01, ha="left", fontsize=13)

        return drawn(draw, (15.0, 9.0), mosaic="ab;cd")

    def sankey(self, scenario: int = 0) -> Plot:
        """Megawatts from the meter to heat, and the tokens that racks serve on the way."""
        self._solved(scenario)
        return drawn(lambda axes: self._sankey(axes, scenario), (10.0, 5.0))

    def single_line(self, scenario: int = 0) -> Plot:
        """The power train from its sources down, with loadings and voltages; what is alike is drawn once."""
        self._solved(scenario)
        diagram = single_line(self._result.facility)
        if not diagram.groups:
            raise LayoutError(self._result.facility.name, ["plot: no power train to draw"])
        depth = max(g.layer for g in diagram.groups) + 1
        wide = max(sum(g.layer == k for g in diagram.groups) for k in range(depth))
        size = (max(8.0, 2.4 * wide), 1.15 * depth + 1.0)
        return drawn(lambda axes: self._single_line(axes, diagram.groups, diagram.links, scenario), size)

    def flow_diagram(self, scenario: int = 0) -> Plot:
        """Coolant loops with temperatures and flows; what is alike is drawn once."""
        self._solved(scenario)
        groups = coolant(self._result.facility)
        if not len(self._result.plant.pipe.start):
            raise LayoutError(self._result.facility.name, ["plot: no coolant loop to draw"])
        return drawn(lambda axes: self._flows(axes, groups, scenario), (12.5, 6.5))

    def limits(self, scenario: int = 0, count: int = 12) -> Plot:
        """Margins to the tightest limits, each at the element where it is tightest."""
        self._solved(scenario)
        return drawn(lambda axes: self._limits(axes, scenario, count), (9.0, 1.2 + 0.36 * count))

    def floor_plan(self, color: str | None = None, scenario: int = 0) -> Plot:
        """A plan of rooms and equipment by a variable, see `Result.scene` for what may be named."""
        self._solved(scenario)
        return drawn(lambda axes: self._floor(axes, color or paint.default(self._result), scenario), (10.0, 6.5))

    def cost(self, scenario: int = 0) -> Plot:
        """What a year costs by item, and what that is for a million tokens."""
        self._solved(scenario)
        return drawn(lambda axes: self._cost(axes, scenario), (8.5, 4.2))

    def pue(self, scenario: int = 0) -> Plot:
        """End uses beyond the racks, over their power, against load from 25 to 100 % and against dry bulb."""
        self._solved(scenario)
        facility = self._result.facility
        given = {a: float(v[scenario]) for a, v in self._result.plant.coordinates.items()}
        load, weather = over_load(facility, given=given), over_dry_bulb(facility, given=given)

        if len(load.uses) < 2 and len(weather.uses) < 2:
            raise LayoutError(facility.name, ["plot: nothing but racks draws power, so PUE is 1"])

        def draw(axes: Any) -> None:
            _stacked(axes["a"], load, 100 * load.at, "load of the racks [%]")
            _stacked(axes["b"], weather, weather.at - 273.15, "dry bulb [°C]")
            axes["a"].set(ylabel="power over that of the racks, beyond 1", title=f"{self._name(scenario)}: PUE less 1")
            top = max(axes[k].get_ylim()[1] for k in "ab")
            for k in "ab":
                axes[k].set_ylim(0, top)
            axes["b"].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True)

        return drawn(draw, (11.0, 4.2), mosaic="ab")

    # ---- what they show --------------------------------------------------------------------------------------

    def _solved(self, scenario: int) -> None:
        """Raises LayoutError for a scenario that there is not or that has no solution."""
        result = self._result
        if not 0 <= scenario < result.size:
            raise LayoutError("plot", [f"scenario {scenario} is none of the {result.size:,} there are, counted from 0"])
        if result.status[scenario]:
            raise LayoutError(result.facility.name, [f"scenario {scenario}: {reason(*result.part(scenario))}"])

    def _name(self, scenario: int) -> str:
        name = self._result.facility.name
        return name if self._result.size == 1 else f"{name}, {scenario_text(self._result, scenario)}"

    def _headline(self, scenario: int) -> str:
        f = self._result.figures
        parts = [f"{f.facility_power[scenario] / 1e6:,.2f} MW", f"PUE {f.pue[scenario]:.3f}"]
        if f.tokens_per_s[scenario] > 0:
            parts.append(f"{f.tokens_per_s[scenario] / 1e6:,.2f} M tokens/s")
            parts.append(f"\\${f.usd_per_million_tokens[scenario]:.3f} per million")
        return f"{self._name(scenario)}:  " + ",  ".join(parts)

    # ---- where the power goes --------------------------------------------------------------------------------

    def _sankey(self, axes: Any, scenario: int) -> None:
        f, solution = self._result.figures, self._result.part(scenario)[0]
        own = figures(solution)
        at = self._result.part(scenario)[1]
        total, it = float(f.facility_power[scenario]), float(f.it_power[scenario])
        uses = [(name, float(solution.total(getattr(columns.totals, name))[at])) for name in ENDS if name != "it"]
        uses = [(ENDS[name], power) for name, power in uses if power > 1e-4 * total]
        liquid, air = float(own.heat_to_liquid[at]), float(own.heat_to_air[at])
        gap, unit = 0.045 * total, (1e6, "MW") if total >= 1e6 else (1e3, "kW")
        told = lambda x: f"{x / unit[0]:,.{2 if x < 100 * unit[0] else 1}f} {unit[1]}"  # noqa: E731
        right, y = [], 0.0
        for name, power, colour in (
            *((("racks to coolant", liquid, COLOURS[1]),) if liquid > 0 else ()),
            *((("racks to room air", air, COLOURS[4]),) if air > 0 else ()),
            *((n, p, PALE) for n, p in uses),
        ):
            right.append((name, power, colour, y))
            y -= power + gap
        axes.set_axis_off()
        axes.grid(False)
        _band(axes, 0.0, 0.16, 0.0, 0.0, total, COLOURS[0])
        axes.text(-0.01, -total / 2, f"meter\n{told(total)}", ha="right", va="center")
        start = 0.0
        racks = [r for r in right if r[0].startswith("racks")]
        _band(axes, 0.16, 0.42, 0.0, 0.0, it, COLOURS[0])
        inner = 0.0
        for _, power, colour, end in racks:
            _band(axes, 0.5, 0.86, inner, end, power, colour)
            inner -= power
        axes.add_patch(patches.Rectangle((0.42, -it), 0.08, it, color=COLOURS[0], lw=0))
        start -= it
        for _, power, colour, end in right[len(racks) :]:
            _band(axes, 0.16, 0.86, start, end, power, colour)
            start -= power
        for name, power, _, end in right:
            axes.text(0.87, end - power / 2, f"{name}  {told(power)}", va="center", fontsize=9)
        tokens = float(f.tokens_per_s[scenario])
        text = f"racks {told(it)}"
        if tokens > 0:
            each = float(f.tokens_per_s_per_mw("drawn")[scenario])
            text += f"\n{tokens / 1e6:,.2f} M tokens/s\n{each / 1e6:,.2f} M per MW drawn"
        axes.text(0.29, -it / 2, text, ha="center", va="center", color="white", fontsize=9.5, weight="bold")
        axes.set(xlim=(-0.14, 1.18), ylim=(y, 0.06 * total), title=f"{self._name(scenario)}: from the meter to heat")

    # ---- the power train -------------------------------------------------------------------------------------

    def _single_line(
        self, axes: Any, groups: tuple[Group, ...], links: tuple[tuple[int, int], ...], scenario: int
    ) -> None:
        place = _layered(groups, links)
        loading, voltage, marks = (
            self._loadings(scenario),
            self._voltages(scenario),
            paint.marks(self._result, scenario),
        )
        powers, sources = self._powers(scenario), self._sources(scenario)
        axes.set_axis_off()
        axes.grid(False)
        above, shelf = defaultdict[int, list[int]](list), _shelves(groups, links, place)
        for a, b in sorted(links, key=lambda pair: place[pair[0]]):
            above[b].append(a)
        for a, b in links:
            (x0, y0), (x1, y1) = place[a], place[b]
            x1 += 0.1 * (above[b].index(a) - (len(above[b]) - 1) / 2)
            off = any(set(groups[k].names) <= marks.lost for k in (a, b))
            style = {"color": PALE if off else INK, "lw": 1.4, "ls": "--" if off else "-", "zorder": 1 if off else 2}
            middle = shelf[a]
            axes.plot([x0, x0, x1, x1], [y0, middle, middle, y1], **style)
        for group, (x, y) in zip(groups, place, strict=True):
            used = max((loading[n] for n in group.names if n in loading), default=np.nan)
            off = set(group.names) <= marks.lost
            colour = PALE if off else PAST if used > 1 + TOLERANCE else TIGHT if used > 1 - TIGHT_BELOW else GOOD
            ends = all(p.cords for p in group.part.ports.values() if p.carrier == "power")
            if ends:
                self._consumers(axes, group, x, y, powers, marks.lost)
                continue
            _symbol(axes, group.part.look, x, y, colour)
            pu = [voltage[n] for n in group.names if n in voltage]
            told = [group.label]
            told += ["out of service"] if off else []
            told += [f"{100 * used:.0f} %"] if np.isfinite(used) and not off else []
            told += [f"{sum(sources[n] for n in group.names) / 1e6:,.2f} MW"] if group.names[0] in sources else []
            told += [f"{min(pu):.3f} pu"] if pu and not off else []
            axes.text(x + 0.16, y, "\n".join([told[0], "  ".join(told[1:])]), va="center", fontsize=8.5, color=INK)
        xs, ys = np.array(place).T
        axes.set(xlim=(xs.min() - 0.4, xs.max() + 1.1), ylim=(ys.min() - 0.9, ys.max() + 0.5))
        axes.set_aspect("equal", adjustable="box")
        axes.set_title(f"{self._name(scenario)}: single-line diagram, loading and voltage")

    def _consumers(
        self, axes: Any, group: Group, x: float, y: float, powers: dict[str, float], lost: frozenset[str]
    ) -> None:
        """An arrow to consumers, told by their models with powers."""
        models = defaultdict[str, list[str]](list)
        for n in group.names:
            models[self._result.facility.models.get(n) or self._result.facility.components[n].kind].append(n)
        lines = []
        for model, names in list(models.items())[:MAX_MERGED]:
            dark = sum(n in lost for n in names)
            power = sum(powers.get(n, 0.0) for n in names)
            name = names[0] if len(names) == 1 else f"{len(names):,} {model}"
            lines.append(f"{name}  {power / 1e3:,.0f} kW" + (f"  ({dark:,} dark)" if dark else ""))
        if len(models) > MAX_MERGED:
            lines.append(f"and {len(models) - MAX_MERGED} more")
        axes.add_patch(patches.Polygon([(x - 0.07, y + 0.1), (x + 0.07, y + 0.1), (x, y - 0.06)], color=INK, lw=0))
        axes.text(x, y - 0.1, "\n".join(lines), va="top", ha="center", fontsize=8, color=INK)

    def _loadings(self, scenario: int) -> dict[str, float]:
        """Loading of components that have one [1]."""
        try:
            found = paint.variable(self._result, "loading")
        except LayoutError:
            return {}
        return dict(zip(found.elements, (found.values[:, scenario] / 100).tolist(), strict=True))

    def _voltages(self, scenario: int) -> dict[str, float]:
        """Lowest voltage at the ports of components [pu]."""
        found, solution = dict[str, float](), self._result.solution
        size = np.abs(solution[columns.bus.voltage][:, scenario])
        for name, value in zip(self._result.plant.bus_names, size.tolist(), strict=True):
            owner = name.rpartition(".")[0]
            found[owner] = min(found.get(owner, np.inf), value)
        return found

    def _powers(self, scenario: int) -> dict[str, float]:
        """Power that consumers draw [W]."""
        plant, solution, found = self._result.plant, self._result.solution, defaultdict[str, float](float)
        for load in plant.load:
            share, _ = electrical.shares(plant, load)
            power = np.broadcast_to(share * solution[load.power], (len(load.names), plant.scenarios))[:, scenario]
            for name, value in zip(load.names, power.tolist(), strict=True):
                found[name] += value
        return found

    def _sources(self, scenario: int) -> dict[str, float]:
        """Power that utilities and generators give [W]."""
        result = self._result
        power = result.solution[columns.source.power][:, scenario].tolist()
        names = Wiring.of(result.facility).names
        return {names[k]: p for k, p in zip(result.plant.owners[Source].tolist(), power, strict=True)}

    # ---- coolant ---------------------------------------------------------------------------------------------

    def _flows(self, axes: Any, groups: list[tuple[str, ...]], scenario: int) -> None:
        result = self._result
        facility, flows = result.facility, Flows(result, scenario)
        of = {n: k for k, names in enumerate(groups) for n in names}
        streams = defaultdict[tuple[int, int], list[tuple[float, float]]](list)
        for joint in _joints(facility.connections):
            gives = [(end, -q) for end in joint if (q := flows.into(end)) < -1e-6]
            takes = [(end, q) for end in joint if (q := flows.into(end)) > 1e-6]
            total = sum(q for _, q in gives)
            warm = flows.temperature(joint[0]) - 273.15
            for (a, _), out in gives:
                for (b, _), into in takes:
                    streams[of[a], of[b]].append((out * into / total, warm))
        place = _columns(groups, streams, facility)
        moving = sorted({k for pair in streams for k in pair})
        still = [Group(n, facility.components[n[0]], 0).label for k, n in enumerate(groups) if k not in moving]
        warm = np.array([t for parts in streams.values() for _, t in parts] or [20.0])
        told = Scale(*paint.fit(warm, "°C"), "coolant [°C]", MAPS["heat"])
        axes.set_axis_off()
        axes.grid(False)
        arrows, boxes = list[tuple[int, int, str, str, float]](), dict[int, Any]()
        for (a, b), parts in streams.items():
            flow = sum(q for q, _ in parts)
            mean = sum(q * t for q, t in parts) / flow
            colour = "#{:02x}{:02x}{:02x}".format(*told.rgb(np.array([mean]))[0].tolist())
            arrows.append((a, b, colour, f"{mean:.1f} °C, {flow:,.0f} kg/s", flow))
        looks = colours(things(facility))
        for k in moving:
            names, (x, y) = groups[k], place[k]
            part = facility.components[names[0]]
            face = looks.get(part.legend, UNKNOWN)
            style = {"boxstyle": "round,pad=0.02", "fc": face, "ec": INK, "lw": 0.8, "zorder": 3}
            boxes[k] = axes.add_patch(patches.FancyBboxPatch((x - 0.5, y - 0.2), 1.0, 0.4, **style))
            label = Group(names, part, 0).label
            dark = sum(int(face[k : k + 2], 16) for k in (1, 3, 5)) < 380
            axes.text(
                x, y, _wrapped(label), ha="center", va="center", fontsize=8, zorder=4, color="white" if dark else INK
            )
        for a, b, colour, text, flow in arrows:
            _stream(axes, place[a], place[b], boxes[a], boxes[b], colour, text, flow)
        xs, ys = np.array([place[k] for k in moving]).T
        axes.set(xlim=(xs.min() - 0.7, xs.max() + 0.7), ylim=(ys.min() - 0.6, ys.max() + 0.6))
        axes.set_title(f"{self._name(scenario)}: coolant loops, temperature and flow")
        if still:
            axes.text(0.0, 0.0, f"without flow: {', '.join(still)}", transform=axes.transAxes, fontsize=8, color=PALE)
        _colour_bar(axes, told)

    # ---- limits, cost, plan ----------------------------------------------------------------------------------

    def _limits(self, axes: Any, scenario: int, count: int) -> None:
        tight: tuple[Binding, ...] = self._result.worst(scenario)[:count][::-1]
        if not tight:
            axes.text(0.5, 0.5, "nothing is limited", ha="center", transform=axes.transAxes)
            return
        shown = np.array([100 * max(min(b.relative, 1.0), -1.0) for b in tight])
        tones = [PAST if b.relative < -TOLERANCE else TIGHT if b.relative < TIGHT_BELOW else GOOD for b in tight]
        axes.barh(range(len(tight)), shown, color=tones, height=0.7)
        axes.set_yticks(range(len(tight)), [f"{b.name.replace('_', ' ')}\n{b.where}" for b in tight], fontsize=8)
        for k, b in enumerate(tight):
            _, _, value, bound, _ = b.texts
            axes.text(max(shown[k], 0) + 1.5, k, f"{value}, limit {bound}", va="center", fontsize=8, color=INK)
        axes.set(
            xlim=(min(0.0, shown.min() * 1.1), max(5.0, shown.max() * 1.5)), xlabel="margin [% of the limit's scale]"
        )
        axes.set_title(f"{self._name(scenario)}: tightest limits")
        axes.grid(axis="y", visible=False)

    def _cost(self, axes: Any, scenario: int) -> None:
        solution, at = self._result.part(scenario)
        own = figures(solution)
        items = {n: float(np.broadcast_to(v, own.pue.shape)[at]) for n, v in yearly(solution, own.annual).items()}
        items = {n: v for n, v in sorted(items.items(), key=lambda item: item[1]) if np.isfinite(v) and v > 0}
        total = sum(items.values())
        axes.barh(range(len(items)), [v / 1e6 for v in items.values()], color=GOOD, height=0.7)
        axes.set_yticks(range(len(items)), [n.replace("_", " ") for n in items])
        tokens = float(self._result.figures.tokens_per_s[scenario])
        each = float(self._result.figures.usd_per_million_tokens[scenario])
        for k, v in enumerate(items.values()):
            part = f"  {100 * v / total:.0f} %" + (
                f", \\${each * v / total:.4f} per million tokens" if tokens > 0 else ""
            )
            axes.text(v / 1e6, k, part, va="center", fontsize=8, color=INK)
        axes.set(xlabel="cost [M\\$ a year]", xlim=(0, 1.5 * max(items.values(), default=1.0) / 1e6))
        told = f", \\${each:.4f} per million tokens" if tokens > 0 else ""
        axes.set_title(f"{self._name(scenario)}: \\${total / 1e6:,.1f} M a year{told}")
        axes.grid(axis="y", visible=False)

    def _floor(self, axes: Any, color: str, scenario: int) -> None:
        result = self._result
        stood, told = things(result.facility), paint.variable(result, color)
        values = told.of(stood.names)[:, scenario]
        scale, marks, looks = paint.scale(told, values), paint.marks(result, scenario), colours(stood)
        tones = scale.rgb(values) / 255
        for f in stood.floors:
            axes.add_patch(patches.Rectangle(f.low[:2], *f.size[:2], fc="#F1F3F5", ec=PALE, lw=1.2))
            axes.text(
                f.low[0] + 0.3,
                f.low[1] + f.size[1] - 0.3,
                f.name.replace("_", " "),
                fontsize=8,
                color="#5b6671",
                va="top",
            )
        for i in np.flatnonzero([look != "busway" for look in stood.looks]):
            name = stood.names[i]
            face: Any = tones[i] if np.isfinite(values[i]) else looks.get(stood.legends[i], UNKNOWN)
            lost = name in marks.lost
            edge = PAST if name == marks.binds else TIGHT if name in marks.over else INK
            width = 2.4 if edge != INK else 0.4
            patch = patches.Rectangle(
                (float(stood.low[i, 0]), float(stood.low[i, 1])), *stood.size[i, :2], fc="#3a3f45" if lost else face,
                ec=edge, lw=width,
                hatch="xx" if lost else None, zorder=3 if edge != INK else 2,
            )  # fmt: skip
            axes.add_patch(patch)
        low, high = stood.corners.min(axis=0), stood.corners.max(axis=0)
        axes.set(xlim=(low[0] - 1, high[0] + 1), ylim=(low[1] - 1, high[1] + 1), xlabel="x [m]", ylabel="y [m]")
        axes.set_aspect("equal")
        axes.grid(False)
        binds = f", {marks.word} limit: {marks.phrase}" if marks.phrase else ""
        axes.set_title(f"{self._name(scenario)}{binds}")
        if np.isfinite(values).any():
            _colour_bar(axes, scale)
        bare = [
            n
            for n, v, look in zip(stood.legends, values, stood.looks, strict=True)
            if not np.isfinite(v) and look != "busway"
        ]
        keys = [patches.Patch(fc=c, ec=INK, lw=0.4, label=n) for n, c in looks.items() if n in bare]
        if keys:
            axes.legend(handles=keys, fontsize=8, loc="upper left", bbox_to_anchor=(0.0, -0.1), ncols=len(keys))
        if stood.told:
            axes.text(0.0, 1.01, "; ".join(stood.told), transform=axes.transAxes, fontsize=7, color=PALE, va="bottom")


# ---- drawing -----------------------------------------------------------------------------------------------------


def _band(axes: Any, x0: float, x1: float, top0: float, top1: float, height: float, colour: str) -> None:
    """A band of one height between two places, whose tops are given."""
    m = (x0 + x1) / 2
    moves, codes = path.Path, [path.Path.MOVETO, *[path.Path.CURVE4] * 3, path.Path.LINETO, *[path.Path.CURVE4] * 3]
    points = [(x0, top0), (m, top0), (m, top1), (x1, top1), (x1, top1 - height), (m, top1 - height), (m, top0 - height)]
    outline = moves([*points, (x0, top0 - height)], codes)
    axes.add_patch(patches.PathPatch(outline, fc=colour, alpha=0.85, lw=0))


def _stacked(axes: Any, found: PartLoad, at: Array, label: str) -> None:
    """End uses beyond the racks over these, stacked."""
    below, it = np.zeros(len(at)), found.uses["it"]
    order = sorted((n for n in found.uses if n != "it"), key=lambda n: -np.nanmax(found.uses[n] / it))
    for name in order:
        share = found.uses[name] / it
        axes.fill_between(at, below, below + share, label=ENDS[name], lw=0)
        below = below + share
    axes.plot(at, below, color=INK, lw=1.2)
    axes.set_xlabel(label)
    axes.set_xlim(at[0], at[-1])


def _layered(groups: tuple[Group, ...], links: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
    """Places of groups in layers from above, each near what it hangs on, none over another."""
    above = defaultdict[int, list[int]](list)
    for a, b in links:
        above[b].append(a)
    layers = defaultdict[int, list[int]](list)
    for k, group in enumerate(groups):
        layers[group.layer].append(k)
    x = dict[int, float]()
    widest = max(len(row) for row in layers.values())
    for layer in sorted(layers):
        row = sorted(layers[layer], key=lambda k: (_mean([x[a] for a in above[k] if a in x]), groups[k].names[0]))
        want = [_mean([x[a] for a in above[k] if a in x], 0.75 * (widest - 1)) for k in row]
        spread = [(i - (len(row) - 1) / 2) * 1.5 for i in range(len(row))]
        middle = float(np.mean(want))
        at = [0.35 * w + 0.65 * (middle + s) if len(row) > 1 else w for w, s in zip(want, spread, strict=True)]
        for i in range(1, len(at)):
            at[i] = max(at[i], at[i - 1] + 1.5)
        shift = middle - float(np.mean(at))
        x |= {k: a + shift for k, a in zip(row, at, strict=True)}
    return [(x[k], -float(group.layer)) for k, group in enumerate(groups)]


def _shelves(
    groups: tuple[Group, ...], links: tuple[tuple[int, int], ...], place: list[tuple[float, float]]
) -> dict[int, float]:
    """Height at which the line of each group turns, so that no line lies on that of another group of its layer."""
    layers = defaultdict[int, list[int]](list)
    for a in {a for a, _ in links}:
        layers[groups[a].layer].append(a)
    found = dict[int, float]()
    for row in layers.values():
        for k, a in enumerate(sorted(row, key=lambda a: place[a])):
            found[a] = place[a][1] - 0.5 + 0.16 * ((len(row) - 1) / 2 - k) / max(1.0, len(row) / 3)
    return found


def _mean(values: list[float], other: float = 0.0) -> float:
    return float(np.mean(values)) if values else other


def _symbol(axes: Any, look: Look, x: float, y: float, colour: str) -> None:
    """The sign of a type of equipment [IEC 60617, in outline]."""
    face = {"fc": "white", "ec": colour, "lw": 2.0, "zorder": 3}
    if look == "transformer":
        for dy in (0.055, -0.055):
            axes.add_patch(patches.Ellipse((x, y + dy), 0.17, 0.17, **face))
    elif look in ("substation", "generator"):
        axes.add_patch(patches.Ellipse((x, y), 0.24, 0.24, **face))
        axes.text(x, y, "G" if look == "generator" else "~", ha="center", va="center", zorder=4, color=colour)
    elif look in ("run", "busway"):
        axes.plot([x, x], [y - 0.13, y + 0.13], color=colour, lw=4.0, solid_capstyle="butt", zorder=3)
    else:
        axes.add_patch(patches.Rectangle((x - 0.13, y - 0.08), 0.26, 0.16, **face))


def _joints(connections: Any) -> list[list[tuple[str, str]]]:
    """Ports of coolant that are joined."""
    parent = dict[tuple[str, str], tuple[str, str]]()

    def root(end: tuple[str, str]) -> tuple[str, str]:
        parent.setdefault(end, end)
        while parent[end] != end:
            end = parent[end]
        return end

    for kind, a, b in connections:
        if kind == "coolant":
            parent[root(a)] = root(b)
    found = defaultdict[tuple[str, str], list[tuple[str, str]]](list)
    for end in parent:
        found[root(end)].append(end)
    return list(found.values())


def _columns(
    groups: list[tuple[str, ...]], streams: Mapping[tuple[int, int], object], facility: Facility
) -> list[tuple[float, float]]:
    """Places of groups: what takes heat up at the left, and what is farther along the coolant farther right.

    Loops that are not joined lie below each other. In a column, what sends coolant to the left is above.
    """
    joined = defaultdict[int, set[int]](set)
    for a, b in streams:
        joined[a].add(b)
        joined[b].add(a)
    parts = [facility.components[names[0]] for names in groups]
    rank = [0 if p.shapes_air == "rack" else 1 if p.legend == "air handling" else 2 for p in parts]
    place, floor, left = [(0.0, 0.0)] * len(groups), 0.0, set(joined)
    while left:
        least = min(rank[k] for k in left)
        loop = _reached(joined, next(k for k in sorted(left) if rank[k] == least))
        column = _distances(joined, [k for k in sorted(loop) if rank[k] == min(rank[m] for m in loop)])
        left -= set(loop)
        rows, y = defaultdict[int, list[int]](list), dict[int, float]()
        for k in sorted(loop):
            rows[column[k]].append(k)
        tallest = max(len(row) for row in rows.values())
        for c in sorted(rows):
            before = {k: [y[m] for m in joined[k] if m in y] for k in rows[c]}
            sends = {k: -sum((k, m) in streams for m in joined[k] if column[m] < c) for k in rows[c]}
            row = sorted(rows[c], key=lambda k: (sends[k], -_mean(before[k]), k))
            y |= {k: -(i - (len(row) - 1) / 2) for i, k in enumerate(row)}
        for k in loop:
            place[k] = (2.1 * column[k], floor + y[k] - (tallest - 1) / 2)
        floor -= tallest + 0.4
    return place


def _reached(joined: Mapping[int, set[int]], first: int) -> set[int]:
    """All that is joined to one, itself included."""
    return set(_distances(joined, [first]))


def _distances(joined: Mapping[int, set[int]], starts: list[int]) -> dict[int, int]:
    """How many steps all that is joined to any of some is from the nearest of them."""
    found, front = dict.fromkeys(starts, 0), starts
    while front:
        after = sorted({m for k in front for m in joined[k] if m not in found})
        found |= dict.fromkeys(after, found[front[0]] + 1)
        front = after
    return found


def _stream(
    axes: Any, a: tuple[float, float], b: tuple[float, float], start: Any, end: Any, colour: str, text: str, flow: float
) -> None:
    """An arrow of coolant between two boxes, bent so that two ways between the same lie apart, with its label."""
    (x0, y0), (x1, y1) = a, b
    bend = 0.28 if y0 == y1 else 0.12
    style = {"arrowstyle": "-|>", "mutation_scale": 13, "color": colour, "lw": 1.5 + min(flow, 400) / 100, "zorder": 2}
    ends = {"patchA": start, "patchB": end, "shrinkA": 1, "shrinkB": 2}
    axes.add_patch(patches.FancyArrowPatch(a, b, connectionstyle=f"arc3,rad={bend}", **ends, **style))
    x, y = (x0 + x1) / 2 + bend / 2 * (y1 - y0), (y0 + y1) / 2 - bend / 2 * (x1 - x0)
    aside = {"ha": "left"} if x0 == x1 else {"ha": "center"}  # beside an arrow that goes up or down
    box = {"fc": "white", "ec": "none", "pad": 0.8, "alpha": 0.85}
    axes.text(
        x + (0.1 if x0 == x1 else 0.0), y, text, va="center", fontsize=7.5, color=INK, zorder=5, bbox=box, **aside
    )


def _wrapped(text: str, width: int = 18) -> str:
    return fill(text.replace("_", " "), width)


def _colour_bar(axes: Any, told: Scale) -> None:
    """The colours of a scale beside the axes."""
    table = colors.ListedColormap(told.table / 255)
    mappable = cm.ScalarMappable(colors.Normalize(told.low, told.high), table)
    axes.figure.colorbar(mappable, ax=axes, label=told.title, shrink=0.7)
