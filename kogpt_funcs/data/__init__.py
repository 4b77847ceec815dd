"""Text for training: collected, cleaned, packed. It knows no model and no surface, and does without torch."""
