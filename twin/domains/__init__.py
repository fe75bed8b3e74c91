"""One physics each: elements in, solved columns out."""
