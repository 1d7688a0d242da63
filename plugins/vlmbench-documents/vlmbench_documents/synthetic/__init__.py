"""A seeded generator of documents: values first, then a drawing of them, then damage to the drawing."""
