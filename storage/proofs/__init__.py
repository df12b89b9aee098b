"""What proves who calls or signs in, beside secrets and passwords, each used once or for a time."""
