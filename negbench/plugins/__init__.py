"""Plug-ins by name: the registry, their cards, and the terms that users type. Without torch."""
