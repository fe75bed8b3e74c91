"""The coupled solve: every domain in turn until nothing moves."""
