"""Addresses that come from outside, checked before anything is sent there."""

import ipaddress
from urllib.parse import urlsplit


def may_carry_a_key(url: str) -> bool:
    """Whether a key may be sent there: https anywhere, http within this machine's own network only."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme != "http" or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_private
    except ValueError:
        return False


def is_address(text: str) -> bool:
    """Whether a text is an IP address, and so cannot be taken for an option of `ssh`."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
