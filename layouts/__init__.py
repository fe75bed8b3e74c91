"""Shipped data: the hardware catalogue, the serving fronts and the halls one can run."""
