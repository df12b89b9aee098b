"""The needs of care, published for those who develop new things."""
