"""The app: a facility with sliders that answers while they move."""
