"""vLLM as a model: its engine in the worker, or its server beside it."""
