"""What plugin authors use: a new plugin from a template, and the conformance suite in its own environment."""
