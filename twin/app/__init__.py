"""The command line and what it says of the machine."""
