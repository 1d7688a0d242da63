"""A deterministic fake model for tests."""
