"""GPUs of this machine: which there are, and who may use which now."""
