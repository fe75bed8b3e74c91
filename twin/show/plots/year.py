"""Plots of a year: hours by days as a map, duration curves, end uses by month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.columns import Array
from twin.facility.files import LayoutError, hint
from twin.show.plots.style import SCALE, Plot, drawn
from twin.show.shown import Shown, shown
from twin.units import HOUR

if TYPE_CHECKING:
    from twin.study.year import Year

MONTHS = ("J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D")


class YearPlots:
    """Plots of a year.

    >>> twin.year("gb300_hall", "dulles.epw").plot.heat_map("pue").write("pue.png")
    """

    def __init__(self, year: Year) -> None:
        self._year = year

    def heat_map(self, name: str = "pue") -> Plot:
        """A variable of the hours as colours: hours of the day over days of the year. Raises LayoutError for others."""
        told, starts = self._shown(name), self._months()
        per_day = round(24 * HOUR / self._year.step)
        values = told.values.reshape(-1, per_day).T

        def draw(axes: Any) -> None:
            axes.grid(False)
            days = np.arange(values.shape[1] + 1)
            mesh = axes.pcolormesh(days, np.linspace(0, 24, per_day + 1), values, cmap=SCALE, rasterized=True)
            axes.figure.colorbar(mesh, ax=axes, label=told.title)
            axes.set_xticks(starts, MONTHS)
            axes.set_yticks(range(0, 25, 6))
            axes.set(ylabel="hour", title=self._title())

        return drawn(draw, (8.5, 3.2))

    def duration(self, *names: str) -> Plot:
        """Variables of the hours sorted from the highest to the lowest, on axes below each other."""
        chosen = names or ("facility_power", "pue")
        told = [self._shown(name) for name in chosen]

        def draw(axes: Any) -> None:
            rows = list(np.atleast_1d(axes))
            for ax, one in zip(rows, told, strict=True):
                values = np.sort(one.values[np.isfinite(one.values)])[::-1]
                ax.plot(np.arange(1, len(values) + 1) * self._year.step / HOUR, values)
                ax.set_ylabel(one.title)
            rows[0].set_title(self._title())
            rows[-1].set_xlabel("hours in which it is at least that")

        return drawn(draw, (7.0, 1.2 + 2.2 * len(told)), len(told))

    def end_uses(self) -> Plot:
        """Energy beyond IT by month and end use, stacked."""
        hours, year = self._year.hours, self._year
        month = hours["time"].values.astype("M8[M]").astype(int) % 12
        uses = [n for n in year.end_uses if hours[n].attrs["part"] != "it_power" and year.end_uses[n] > 0]
        sums = {n: np.bincount(month, np.nan_to_num(hours[n].values), 12) * year.step / 3.6e9 for n in uses}

        def draw(axes: Any) -> None:
            below = np.zeros(12)
            for n in sorted(uses, key=lambda n: -year.end_uses[n]):
                axes.bar(range(12), sums[n], bottom=below, label=hours[n].attrs["long_name"], width=0.8)
                below = below + sums[n]
            axes.set_xticks(range(12), MONTHS)
            axes.set(ylabel="energy beyond IT [MWh]", title=self._title())
            axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))

        return drawn(draw, (8.0, 4.0))

    def _shown(self, name: str) -> Shown:
        hours = self._year.hours
        known = [str(n) for n, v in hours.data_vars.items() if v.dtype.kind in "fi"]
        if name not in known:
            raise LayoutError("plot", [f"no {name!r}{hint(name, known) or '; there are ' + ', '.join(known)}"])
        return shown(name, hours[name].values.astype(float), hours[name].attrs)

    def _months(self) -> Array:
        """The day on which each month begins."""
        month = self._year.hours["time"].values.astype("M8[M]").astype(int) % 12
        per_day = round(24 * HOUR / self._year.step)
        return np.array([int(np.argmax(month == m)) // per_day for m in range(12)])

    def _title(self) -> str:
        place = self._year.weather.location.city
        return f"{self._year.facility.name}, {place or self._year.weather.name}"
