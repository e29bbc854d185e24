"""What the exported pair can do, through the package's own command line."""
