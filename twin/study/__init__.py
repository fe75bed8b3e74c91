"""Whatever solves more than once: bounds, optima, worth, days of demand, agents."""
