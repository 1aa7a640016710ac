"""Speed, measured by commands."""
