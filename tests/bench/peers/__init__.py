"""The peers: other ways in, started as they are usually set up."""
