"""The code location: everything comes from this workspace's registries and the installed plugins."""

from pathlib import Path

from vlmbench_assets.build import load_definitions

defs = load_definitions(Path(__file__).parent)
