"""The verdict on a run, in sentences that its records carry."""
