"""The RapidOCR engine."""
