"""REST: JSON in, JSON or server-sent events out."""
