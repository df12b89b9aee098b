"""Sign-in vouched for by an OpenID Connect provider: how e-identification and a region's own directory arrive."""
