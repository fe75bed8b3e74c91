"""A solved hall in three dimensions."""
