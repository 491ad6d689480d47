"""Pages and cards that people look at: of a data set, and of a training run."""
