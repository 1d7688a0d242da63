"""Silence warnings that a user of this project can do nothing about."""

import warnings


def silence_dagster_stages() -> None:
    """Do not warn that partition mappings are beta and Pipes' reader count is preview in Dagster.

    Both are pinned with Dagster's exact version, and tests hold what is used of them.
    """
    for stage in ("beta", "preview"):
        warnings.filterwarnings("ignore", message=f".*is currently in {stage}.*")
