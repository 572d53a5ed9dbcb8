"""Evidence of who judged what: whether it is as it was stored, and packs of it for others."""
