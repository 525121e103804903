"""Gaussian diffusion: the forward and the reverse process, and networks that denoise."""
