"""`python -m kogpt_funcs` is the `kogpt` command."""

from kogpt_funcs.command.kogpt import main

if __name__ == "__main__":
    main()
