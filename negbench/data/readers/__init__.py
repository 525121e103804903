"""Readers of file formats: delimited tables, lists, MovieLens, SASRec, parquet."""
