select reviewer_id, name, role, email, origin from current_reviewer where reviewer_id = $reviewer_id
