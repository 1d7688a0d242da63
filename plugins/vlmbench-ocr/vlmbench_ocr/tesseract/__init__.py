"""The Tesseract engine."""
