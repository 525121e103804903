"""The backbones: what turns users, or their histories, and items into vectors."""
