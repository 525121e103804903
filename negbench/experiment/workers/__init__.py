"""Execution engines: a local process pool, a dask cluster, and shared memory."""
