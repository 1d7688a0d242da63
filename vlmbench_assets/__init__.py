"""The host: turns registries and plugins into a Dagster asset graph, and runs it.

    samples[dataset] ─► answers[model|dataset] ─► metrics ─► aggregates ─► report
                                                                 └──────► leaderboard[dataset]
                                                                                  └──► benchmark_leaderboard[benchmark]

Each asset is the module of its name. What a stage does to its tables lives in `work/`, which knows
nothing of Dagster.
"""
