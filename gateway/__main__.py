"""`python -m gateway` is the command `sluss`."""

from gateway.cli import main

main()
