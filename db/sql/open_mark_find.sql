select session_id, opened_at, is_logged from open_mark
