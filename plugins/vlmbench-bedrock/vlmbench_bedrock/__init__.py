"""Models of Amazon Bedrock as models, by its own interface Converse."""
