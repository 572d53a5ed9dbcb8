insert into reviewer_change by name
select
    $reviewer_id as reviewer_id, $role as role, $email as email, $issuer as issuer, $changed_by as changed_by,
    $created_at::timestamp as created_at
