"""The `kogpt` command, one file a subcommand."""
