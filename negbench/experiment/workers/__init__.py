"""The engines that work through the cells: a pool of processes, dask, shared memory."""
