select reviewer_id, name, role, email, origin from current_reviewer order by name, reviewer_id
