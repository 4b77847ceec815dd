"""The bubbles: a page of its own for each function that talks, built from its declared parts alone."""
