"""Convolutions on (batch, height, width, channels) in NumPy."""
