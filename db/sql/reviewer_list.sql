select reviewer_id, name, role from reviewer order by name, reviewer_id
