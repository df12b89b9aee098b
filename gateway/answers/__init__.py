"""What the gateway does to answers by the publication's word, worked out once per snapshot."""
