"""OpenAI's API over the same queue, limits and keys: models, completions, chat completions."""
