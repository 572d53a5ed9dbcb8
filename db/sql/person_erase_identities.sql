update reviewer_identity set issuer = '', subject = $name || ' ' || seal, salt = null
where reviewer_id = $reviewer_id
