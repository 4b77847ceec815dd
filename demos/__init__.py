"""What a person or a Space starts: `python -m demos`, `python -m demos NAME`, or demos/app.py."""
