"""What stands between an accepted socket and HTTP: the PROXY header, TLS, and who has been let in by them."""
