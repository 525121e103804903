"""Cells on disk: written aside and renamed, checked when read. Without torch."""
