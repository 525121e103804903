"""Reference models without negative sampling, evaluated beside the trained cells."""
