update signature set name = null, salt = null where reviewer_id = $reviewer_id and $name is not null
