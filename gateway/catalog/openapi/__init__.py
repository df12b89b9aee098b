"""What the gateway must know and hold true about an OpenAPI document."""
