"""Plug-ins: registry by name, cards (metadata), syntax of `name(parameter=value)`. No torch."""
