"""Measures over the cells of a run: accuracy, cost, popularity bias ...; each a tidy frame."""
