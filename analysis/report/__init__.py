"""The HTML report of a run, and the files of its figures."""
