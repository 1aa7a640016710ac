"""What the rounding bounds are tried on at scale: `cases` has the classes, `sums` and `smooth` a row for each bound."""
