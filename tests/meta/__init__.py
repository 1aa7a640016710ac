"""Tests of the tests: planted wrong kernels and false laws must be caught, strategies must reach what they claim."""
