"""One class per equipment type."""

from twin.components import compute, coolant, cooling, electrical, hall, outdoor

__all__ = ["compute", "coolant", "cooling", "electrical", "hall", "outdoor"]
