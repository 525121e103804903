"""Items in words: texts become vectors, by one of a few encoders, and are kept in the cache."""
