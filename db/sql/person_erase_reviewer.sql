-- Of all statements only these change rows: what they delete is sealed in the chain, not hashed.
update reviewer set name = $name, salt = null where reviewer_id = $reviewer_id
