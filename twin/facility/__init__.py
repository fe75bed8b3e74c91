"""From layout text to a validated facility graph."""
