"""The control plane: authorization server, pages, management API and the built portal."""
