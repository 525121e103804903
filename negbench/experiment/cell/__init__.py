"""One cell: one data set, backbone, method and seed, trained, ranked and recorded."""
