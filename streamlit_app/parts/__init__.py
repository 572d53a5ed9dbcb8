"""Parts of rooms: each draws what a room shows when that part is chosen."""
