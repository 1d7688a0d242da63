"""The command `vlmbench`: one module per command. Heavy imports stay inside the functions that need them."""
