"""Written replies, found by the meaning of what they answer."""
