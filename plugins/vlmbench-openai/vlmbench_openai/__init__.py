"""Any OpenAI-compatible chat endpoint as a model."""
