"""Pages for people: what they are made of, and how they are written as Markdown and as HTML."""
