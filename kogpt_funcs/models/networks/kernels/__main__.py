"""Builds the library that ships: `python -m kogpt_funcs.models.networks.kernels`, after each change of the sources."""

from kogpt_funcs.models.networks.kernels import prebuild

if __name__ == "__main__":
    print(prebuild())
