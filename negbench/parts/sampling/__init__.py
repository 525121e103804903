"""Negative samplers and the exact draws that they are made of."""
