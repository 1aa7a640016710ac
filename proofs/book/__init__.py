"""The proof book: a static site of the laws, how each is known, and the index map to play with."""
