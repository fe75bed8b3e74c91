"""Plots of results, in one style; what `plot` of a result, a sweep or a year opens."""
