"""The environments that come with the host."""
