"""`python -m tams` is `tams`."""

from tams.cli import main

main()
