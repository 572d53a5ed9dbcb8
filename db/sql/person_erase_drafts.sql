delete from draft where reviewer_id = $reviewer_id and $name is not null
