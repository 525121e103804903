"""The tables that a run prints, as text, Markdown, csv, LaTeX and HTML."""
