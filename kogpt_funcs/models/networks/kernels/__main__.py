"""Builds the libraries that ship: `python -m kogpt_funcs.models.networks.kernels`, after each change of the sources."""

from kogpt_funcs.models.networks.kernels.building import prebuild

if __name__ == "__main__":
    print(*prebuild(), sep="\n")
