"""Gaussian diffusion: the forward and the reverse process, and denoiser networks."""
