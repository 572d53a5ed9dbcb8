insert into reviewer_identity by name
select
    $issuer as issuer, $subject as subject, $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at, $salt as salt,
    sealed($salt, $issuer, $subject, null) as seal
on conflict do nothing
