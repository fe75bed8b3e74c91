"""Files of other programs to our tables."""
