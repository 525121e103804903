"""References: guards that no sampler touches, ranked beside the trained cells."""
