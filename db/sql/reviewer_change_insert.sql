insert into reviewer_change by name
select
    $reviewer_id as reviewer_id, $kind as kind, $role as role, $name as name, $email as email,
    $issuer as issuer, $merged_into as merged_into, $changed_by as changed_by,
    $created_at::timestamp as created_at, $salt as salt,
    sealed($salt, $name, $email, $issuer) as seal
