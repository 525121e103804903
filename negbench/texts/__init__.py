"""Text encoders: item texts become vectors, which are cached on disk; and language models."""
