"""Readers of file formats: delimited tables, adjacency lists, MovieLens, SASRec, parquet."""
