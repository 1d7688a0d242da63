"""The pictures that come with the host; one file each, `draw(tables)` returns a figure or None."""
