"""Mutation testing: every function is changed in one place at a time, and some test must fail."""
