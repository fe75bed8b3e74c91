"""One class per equipment type."""
