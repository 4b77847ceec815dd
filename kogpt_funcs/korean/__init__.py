"""The language: cleaning, sentences, abuse, names, agreement of rewritings. It knows no model and no function."""
