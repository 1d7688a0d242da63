"""``python -m vlmbench_assets.cli``."""

from vlmbench_assets.cli.main import main

main()
