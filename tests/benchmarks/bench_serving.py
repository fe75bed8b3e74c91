"""Serving by physics and cost, scenarios per CPU second of one rack class: clocks, prices and loads all different."""

import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]

from races import machine  # isort: skip

import numpy as np

from twin.money import cost
from twin.serving.platforms import Point, best, best_at_clocks
from twin.units import YEAR

POINT = Point("DeepSeek-R1-0528", "gb300", 1024, 1024, 75.0)


def one(clock, power, price):
    """Tokens/s of a rack and $ per million tokens, (scenario,)."""
    rate = best_at_clocks(POINT, clock).total
    year = cost.annual_cost(
        cost.Assets(np.array([[4e6]]), np.array([[5 * YEAR]]), 0.03),
        np.full(len(clock), 0.065),
        cost.Use(power=power, peak=power),
        cost.Tariff(energy=price, demand=2.0 / YEAR),
    )
    return 72.0 * rate, cost.usd_per_million_tokens(year.total, 72.0 * rate)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    size = 100_000 if parser.parse_args().short else 1_000_000
    print(machine())
    rng = np.random.default_rng(0)
    columns = rng.uniform(0.6, 1.0, size), rng.uniform(1.0e5, 1.5e5, size), rng.uniform(0.03, 0.2, size) / 3.6e6
    one(*(x[:100] for x in columns))
    began = time.process_time()
    rate, _ = one(*columns)
    spent = time.process_time() - began
    some = rng.integers(0, size, 200)
    exact = 72.0 * best(*POINT, clock=columns[0][some]).total
    error = np.abs(rate[some] / exact - 1.0).max()
    print(f"serving and cost, one rack class   {size / spent:12,.0f} scenarios/s, worst error of tokens {error:.0e}")


if __name__ == "__main__":
    main()
