"""`python -m kogpt_funcs` is the `kogpt` command."""

from kogpt_funcs.serving.command import main

if __name__ == "__main__":
    main()
