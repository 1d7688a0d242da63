"""Dataset readers for documents, and a generator of synthetic ones."""
