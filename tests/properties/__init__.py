"""Properties of `numeric`: every function against its definition, exactly or within the derived bound."""
