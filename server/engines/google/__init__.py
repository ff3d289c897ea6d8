"""Google's cloud: the client that ears and voice share, and the ears."""
