"""Vision-language models of Hugging Face Transformers."""
