"""Serving a model over HTTP: what arrives together is computed together."""
