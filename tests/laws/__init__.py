"""Laws: proved by the tiers, and run on numbers."""
