"""One module per kind of thing. A view takes a `Page` and returns an answer; what it may do is the services' word."""
