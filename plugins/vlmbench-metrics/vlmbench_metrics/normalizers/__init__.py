"""Text normalisers: each is `str -> str`, idempotent, and never raises, whatever the text holds."""
