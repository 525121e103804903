"""A data set made ready: split, popularity bands, injected noise, planted false negatives."""
