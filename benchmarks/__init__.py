"""Programs behind every measured figure; README.md lists figure, command and result file."""
