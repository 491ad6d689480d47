"""One run: phases are data, the trainer reads from top to bottom."""
