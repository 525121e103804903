"""The checks that `negbench.testing` runs over a method."""
