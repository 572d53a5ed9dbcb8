"""The routes under ``/api/v1``: the review desk's own, and those for programs."""
