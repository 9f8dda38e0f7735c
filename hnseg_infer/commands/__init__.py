"""One file per subcommand of the inference side; each has add_parser(subparsers)."""
