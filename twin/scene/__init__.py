"""Datasets drawn in three dimensions."""
