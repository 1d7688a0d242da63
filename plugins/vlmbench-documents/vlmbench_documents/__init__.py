"""Dataset readers: annotation.csv, JSON lines, SROIE, CORD, and documents drawn from a seed."""
