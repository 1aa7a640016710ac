"""Tests of training: the data, the recipes, the command line, and short real trainings."""
