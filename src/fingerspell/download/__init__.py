"""Public data sets: which there are, how they come here, whether they came whole."""
