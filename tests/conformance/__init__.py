"""Certifying implementations: tiers, adapters, diagnosis, records, and the command."""
