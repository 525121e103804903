"""Equal tuning: one search space, one set of points and one selection rule for every row."""
