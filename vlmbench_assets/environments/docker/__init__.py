"""`docker`: every worker in a container of its own, locked down, that ends with its host."""
