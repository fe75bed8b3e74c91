"""What is computed from one solution: margins, figures, labelled datasets, files."""
