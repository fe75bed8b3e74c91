"""Pure array functions and compiled loops; imports nothing of twin."""
