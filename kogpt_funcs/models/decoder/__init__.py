"""The running batch: scheduling, sampling, endings, prefixes. It knows no architecture."""
