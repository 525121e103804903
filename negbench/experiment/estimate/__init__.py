"""Estimates of what a grid will take: a likely figure and a bound, before anything is trained."""
