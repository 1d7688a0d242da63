"""Make each asset's files: what the Dagster assets, the plan and the command line call; knows nothing of Dagster."""
