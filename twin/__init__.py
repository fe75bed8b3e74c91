"""Public names of the twin, imported when first used."""
