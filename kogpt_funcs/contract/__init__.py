"""What a function is: its declared parts, shared field types, the error family, texts, the registry and the settings. No model, no surface."""
