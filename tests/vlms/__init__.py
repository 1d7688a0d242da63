"""Vision-language models made from nothing, small enough for any machine."""
