"""An artifact in forms that other programs load: ``python -m eci export``."""
