select reviewer_id, name, role, email, origin, issuer from current_reviewer order by name, reviewer_id
