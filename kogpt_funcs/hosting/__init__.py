"""Where the suite runs: Hugging Face Spaces, ZeroGPU, Ray Serve. It knows no function by name."""
