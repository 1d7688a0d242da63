"""Metrics and text normalisers for answers about documents."""
