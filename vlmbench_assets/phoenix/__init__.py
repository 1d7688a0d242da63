"""Prompts to and from a server of Arize Phoenix, for `vlmbench prompts pull|push`; nothing else reaches it."""
