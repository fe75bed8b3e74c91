"""A facility and its scenarios as arrays: the lowering, the power train, the compiled plant."""
