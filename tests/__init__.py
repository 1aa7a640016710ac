"""Tests, named by property and run over registries: `PATHS`, `LAWS`, the sheet's lines, the planted faults."""
