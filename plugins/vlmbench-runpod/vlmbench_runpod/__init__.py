"""Workers in rented pods of RunPod."""
