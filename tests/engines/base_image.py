"""The image that tests with a Docker engine build on: a bare Debian with Python, made from Debian's own archive."""

BASE = "vlmbench/base:bookworm"
