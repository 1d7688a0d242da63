"""OCR engines as models: they answer document questions by layout rules, without a language model."""
