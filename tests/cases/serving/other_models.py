"""Public points of models on which nothing was fitted, beside what physics serves there; run it for the table."""

from typing import NamedTuple

import numpy as np
from calibrate import MODEL

from twin.facility.catalogue import measured_runs
from twin.serving.platforms import Options, best


class Check(NamedTuple):
    """A public point and what physics serves at its interactivity, tokens/s of an accelerator, input included."""

    row: dict
    computed: float

    @property
    def ratio(self):
        """Computed over measured."""
        return self.computed / self.row["tokens_per_s_per_gpu"]


def checks(name=None):
    """All public points, or those of a model."""
    found = []
    for row in measured_runs():
        if row["model"] != MODEL and name in (None, row["model"]):
            how = Options(precision=row["precision"])
            point = row["model"], row["platform"], row["isl"], row["osl"], row["interactivity"]
            found.append(Check(row, float(best(*point, options=how).total)))
    return found


def main():
    print("| model | platform | in / out | tokens/s/user | measured | computed | error |")
    print("|---|---|---|---|---|---|---|")
    for row, computed in checks():
        where = f"{row['model']} | {row['platform']}, {row['precision']} | {row['isl']} / {row['osl']}"
        measured = row["tokens_per_s_per_gpu"]
        error = 100.0 * (computed / measured - 1.0)
        print(f"| {where} | {row['interactivity']} | {measured:,.0f} | {computed:,.0f} | {error:.0f} % |")
    for name in dict.fromkeys(c.row["model"] for c in checks()):
        ratios = [c.ratio for c in checks(name)]
        low, middle, high = np.quantile(ratios, (0.0, 0.5, 1.0))
        print(f"{name}: {len(ratios)} points, {low:.2f} to {high:.2f} times, median {middle:.2f}")


if __name__ == "__main__":
    main()
