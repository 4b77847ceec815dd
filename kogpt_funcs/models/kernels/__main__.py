"""Builds the library that ships: `python -m kogpt_funcs.models.kernels`, after each change of the sources."""

from kogpt_funcs.models.kernels import prebuild

if __name__ == "__main__":
    print(prebuild())
