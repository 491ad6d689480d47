"""The data set folder: its manifest, its verification, the quality of its pictures."""
