"""From a solved facility to dollars."""
