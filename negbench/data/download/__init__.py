"""Downloads: the file cache, mirrors, resuming, archives, checksums."""
