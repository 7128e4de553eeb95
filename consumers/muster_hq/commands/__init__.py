"""Headquarters' commands, one file a subcommand: plain functions, registered in ``__main__``."""
