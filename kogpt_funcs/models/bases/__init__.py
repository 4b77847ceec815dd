"""Where weights come from, and who runs a request on them."""
