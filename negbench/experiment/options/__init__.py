"""The options of a run: typed words, experiment files, values."""
