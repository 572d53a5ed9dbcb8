-- The first entry of a session's log: a file where this is false has not been read with its log.
update open_mark set is_logged = true
