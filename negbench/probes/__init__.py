"""What is seen of the negatives while training: rates, hardness, make-up, weights."""
