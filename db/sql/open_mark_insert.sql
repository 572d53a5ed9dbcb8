insert into open_mark values ($session_id, $opened_at, false)
