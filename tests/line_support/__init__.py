"""Both ends of the line for tests: a raw client, scripted upstreams, an edge between them."""
