"""What every aggregate's tables share: the metadata, ids, and rows turned into values."""
