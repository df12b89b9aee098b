"""What proves who calls, beside secrets: that a proof has been used, tokens that let one register a client."""
