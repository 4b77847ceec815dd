"""Labels off a text, by a head on a base or by any sequence classifier."""
