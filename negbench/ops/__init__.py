"""Arrays in, arrays out: the numeric kernels. None of them knows a user, an item or a split."""
