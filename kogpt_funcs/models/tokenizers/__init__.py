"""Text to token ids and back: KoGPT2's vocabulary, Gemma's, or any that transformers reads."""
