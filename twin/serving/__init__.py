"""From chips and clocks to tokens: measured fronts, the roofline, queueing stations, platforms and agents."""
