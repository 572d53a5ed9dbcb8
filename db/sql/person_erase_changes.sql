update reviewer_change set name = null, email = null, issuer = null, salt = null
where reviewer_id = $reviewer_id and $name is not null
