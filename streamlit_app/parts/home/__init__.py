"""What Home shows, by role."""
