"""Downloads: file cache, mirrors, resumable transfers, archives, checksums."""
