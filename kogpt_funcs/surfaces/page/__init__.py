"""The web page, built from the functions' Input and Output models."""
