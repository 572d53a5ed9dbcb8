select reviewer_id, name, role from reviewer where reviewer_id = $reviewer_id
