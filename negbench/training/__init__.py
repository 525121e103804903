"""The training loop: batches, the forward pass, optimisers, timing, checkpoints."""
