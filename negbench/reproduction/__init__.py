"""Reproductions: published numbers as data, run by the suite's own cells, and set beside ours."""
