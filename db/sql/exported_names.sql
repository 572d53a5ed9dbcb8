select reviewer_id, name from exported_reviewer
